# One image for everything that Millrace runs: the services, the command and the examples.
#
#   docker build -t millrace .
#   docker run --read-only --tmpfs /tmp -v millrace-stream:/data -p 127.0.0.1:7410:7410 millrace
#
# It builds with BuildKit and with the older builder, which knows no secrets: what pip has to know about another package
# index is given as build arguments, and those end with the first stage.

# Any Debian-like image with Python 3.11 or newer and its venv module.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /build
RUN python -m venv --without-pip /opt/millrace
# What changes seldom comes first: the dependencies are a layer of their own.
COPY pyproject.toml docker/requirements.py ./
RUN python requirements.py > requirements.txt \
    && pip --python /opt/millrace/bin/python install --no-cache-dir --requirement requirements.txt
COPY README.md ./
COPY gen gen
COPY chassis chassis
COPY sdk sdk
COPY cli cli
COPY stream_service stream_service
COPY mapping_service mapping_service
RUN pip --python /opt/millrace/bin/python install --no-cache-dir --no-deps .
COPY examples /opt/millrace/examples

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin millrace \
    && install --directory --owner millrace --group millrace --mode 0750 /data
COPY --from=build /opt/millrace /opt/millrace
# A container has an address of its own, so services listen on all of it; who reaches it is said where ports are published.
ENV PATH=/opt/millrace/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MILLRACE_STREAM_LISTEN=0.0.0.0:7410 \
    MILLRACE_STREAM_DATABASE_URL=sqlite:////data/stream.db \
    MILLRACE_MAPPING_LISTEN=0.0.0.0:7420 \
    MILLRACE_MAPPING_DATABASE_URL=sqlite:////data/mapping.db \
    MILLRACE_HANDLER_LISTEN=0.0.0.0:7500 \
    HEALTH_ADDRESS=127.0.0.1:7410
WORKDIR /opt/millrace
USER millrace
EXPOSE 7410 7420 7500
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD millrace health --address "$HEALTH_ADDRESS" || exit 1
CMD ["python", "-m", "stream_service"]
