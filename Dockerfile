# The service (docs/serving.md). Built and started by compose.yaml; alone:
#   docker build --build-arg TORCH_INDEX=... --tag darlr .
#   docker run --publish 127.0.0.1:8000:8000 --volume "$PWD/runs:/runs:ro" --read-only --tmpfs /tmp darlr
# It serves what the pointer /runs/serving names. Other commands of darlr work as well: docker run darlr train --help

FROM python:3.11.14-slim-bookworm AS build

# Which build of PyTorch: give the index of builds for CPUs that PyTorch's installation page names. Left open, pip's default index on
# x86 brings libraries of CUDA that are several times as large and not used.
ARG TORCH_INDEX=

WORKDIR /source
RUN python -m venv --without-pip /opt/darlr
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/darlr/bin/python install --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/darlr/bin/python install --constraint constraints.txt '.[serve]'

FROM python:3.11.14-slim-bookworm

RUN groupadd --gid 10001 darlr \
    && useradd --uid 10001 --gid darlr --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin darlr
COPY --from=build /opt/darlr /opt/darlr

# One thread a worker: more workers use more cores. What libraries would write into a home goes to /tmp, so that the root file
# system may be read-only.
ENV PATH=/opt/darlr/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    POLARS_MAX_THREADS=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    DARLR_CACHE=/tmp/darlr

USER 10001:10001
WORKDIR /runs
VOLUME ["/runs"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]

ENTRYPOINT ["darlr"]
CMD ["serve", "/runs/serving", "--host", "0.0.0.0", "--port", "8000"]
