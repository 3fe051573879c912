# The servers (target `runtime`, the default), the provider of the demonstration (`provider`) and the integration
# tests (`test`).

FROM python:3.13-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore


# What the locks name, then the project itself as a wheel; the locks come first so that a change of the source does
# not fetch them again.
FROM base AS build
WORKDIR /build
COPY requirements/build.txt requirements/demo.txt requirements/
RUN python -m venv /opt/build && python -m venv --without-pip /opt/demo
RUN /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt && \
    /opt/build/bin/pip --python /opt/demo/bin/python install --require-hashes --only-binary :all: \
        -r requirements/demo.txt
COPY pyproject.toml README.md LICENSE ./
COPY framework framework
COPY demo_app demo_app
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . && \
    /opt/build/bin/pip --python /opt/demo/bin/python install --no-deps --no-index /wheels/*.whl


FROM build AS build-test
COPY requirements/dev.txt requirements/
RUN /opt/build/bin/pip --python /opt/demo/bin/python install --require-hashes --only-binary :all: \
        -r requirements/dev.txt


# Nothing here is written at run time: the container's root is read-only.
FROM base AS user
ENV PATH=/opt/demo/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 demo && \
    useradd --uid 10001 --gid demo --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin demo


FROM base AS build-provider
WORKDIR /build
COPY requirements/provider.txt requirements/
RUN python -m venv --without-pip /opt/provider && \
    python -m pip --python /opt/provider/bin/python install --require-hashes --only-binary :all: \
        -r requirements/provider.txt


FROM user AS provider
COPY --from=build-provider /opt/provider /opt/provider
COPY deploy/provider/provider.py /opt/provider/provider.py
USER 10001:10001
WORKDIR /tmp
EXPOSE 9000
STOPSIGNAL SIGTERM
CMD ["/opt/provider/bin/python", "/opt/provider/provider.py"]


FROM user AS test
COPY --from=build-test /opt/demo /opt/demo
WORKDIR /project
COPY pyproject.toml ./
COPY tests tests
ENV HOME=/tmp
USER 10001:10001
CMD ["python", "-m", "pytest", "-p", "no:cacheprovider", "--junit-xml=/reports/containers.xml", "tests/integration"]


FROM user AS runtime
COPY --from=build /opt/demo /opt/demo
COPY deploy/healthcheck.py /opt/demo/healthcheck.py
USER 10001:10001
WORKDIR /tmp
ENV TORNADO_SERVER_PORT=8000 \
    TORNADO_SERVER_NUMPROCS=1
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-S", "/opt/demo/healthcheck.py"]
CMD ["python", "-m", "demo_app"]
