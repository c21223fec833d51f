"""The Realtime API over a WebSocket: sessions that hear and speak.

A session has two threads: one reads messages into the ``Inbox``, the other handles them and the tasks of the
``Timeline``, one at a time. So all modules but ``inbox`` need no locks.
"""
