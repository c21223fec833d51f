"""The Realtime API over a WebSocket: sessions that hear and speak.

A session has two threads: one reads messages into the ``Inbox``, the other handles them and the tasks of the
``Timeline``, one at a time. While the second has nothing to do, the first hears audio itself (``quiet_audio``). So all
modules but ``inbox`` need no locks.
"""
