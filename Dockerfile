# The images of the server; docs/containers.md describes them.
#   docker build -t audio-mockserver .                        # with Whisper
#   docker build -t audio-mockserver:slim --target slim .     # the light distribution, without Whisper

# The release of Debian and the minor version of Python are pinned; security fixes of both come with each build.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

FROM build AS wheels
COPY requirements/build.txt requirements/
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes --no-deps --requirement requirements/build.txt
COPY pyproject.toml hatch_build.py README.md CHANGELOG.md SECURITY.md LICENSE llms.txt ./
COPY light light
COPY docs docs
COPY fixtures fixtures
COPY schemas schemas
COPY mockserver mockserver
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . ./light

# The dependencies are installed before the package, so that a change of the package leaves their layer as it is.
FROM build AS full-packages
COPY requirements/image.txt requirements/
RUN python -m venv --without-pip /opt/mockserver \
    && pip --python /opt/mockserver/bin/python install --require-hashes --no-deps --requirement requirements/image.txt
COPY --from=wheels /wheels /wheels
RUN pip --python /opt/mockserver/bin/python install --no-deps --no-index /wheels/audio_mockserver-*.whl

FROM build AS slim-packages
COPY requirements/image-slim.txt requirements/
RUN python -m venv --without-pip /opt/mockserver \
    && pip --python /opt/mockserver/bin/python install --require-hashes --no-deps --requirement requirements/image-slim.txt
COPY --from=wheels /wheels /wheels
RUN pip --python /opt/mockserver/bin/python install --no-deps --no-index /wheels/audio_mockserver_light-*.whl

FROM ${BASE} AS runtime
# tini is process 1: it passes signals on, and the server's guardian can end a server that hangs.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini=0.19.* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mockserver \
    && install --directory --owner mockserver --group mockserver /config /stubs /fixtures /state /models
COPY --chmod=755 container/entrypoint.sh /usr/local/bin/mockserver-entrypoint
# Docker kills a container 10 seconds after SIGTERM; the server needs up to 3 more than it gives requests.
ENV PATH=/opt/mockserver/bin:$PATH \
    HOME=/tmp \
    HF_HUB_CACHE=/models \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_STUBS=/stubs \
    MOCKSERVER_FIXTURES=/fixtures \
    MOCKSERVER_SHUTDOWN_SECONDS=6
LABEL org.opencontainers.image.title="audio-mockserver" \
      org.opencontainers.image.description="An offline mock server and test double of the hosted audio APIs." \
      org.opencontainers.image.licenses="MIT"
# mockserver.toml is read from the working folder.
WORKDIR /config
USER 10001:10001
EXPOSE 4010
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["mockserver", "healthcheck"]
ENTRYPOINT ["tini", "--", "mockserver-entrypoint"]
CMD ["serve"]

FROM runtime AS slim
COPY --from=slim-packages /opt/mockserver /opt/mockserver

FROM runtime AS full
COPY --from=full-packages /opt/mockserver /opt/mockserver
