# The server for a GPU host. Build: docker build -t classwright .
# Run: see compose.yaml, which puts vLLM beside it.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY server server
COPY tools tools
COPY agents agents
RUN python -m venv /opt/classwright \
 && /opt/classwright/bin/pip install --no-cache-dir --constraint constraints.txt '.[server,postgres,telemetry]'

FROM python:3.12-slim
LABEL org.opencontainers.image.title="classwright" \
      org.opencontainers.image.description="An MCP server that grows text classifiers out of a conversation" \
      org.opencontainers.image.licenses="Apache-2.0"
# Of pictures in answers: without a font they would have no names.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 classwright \
 && install --directory --owner classwright --group classwright /data /models
COPY --from=build /opt/classwright /opt/classwright
ENV PATH=/opt/classwright/bin:$PATH \
    HF_HOME=/models \
    CLASSWRIGHT_WORKSPACE=/data
USER classwright
VOLUME ["/data", "/models"]
EXPOSE 8931
# Whether the process lives: to start it again would not help where the database is down. That is asked of /ready.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request; port = os.environ.get('CLASSWRIGHT_PORT') or 8931; \
    urllib.request.urlopen(f'http://127.0.0.1:{port}/health', timeout=4)"]
# It listens to others, so it starts only with CLASSWRIGHT_TOKEN and CLASSWRIGHT_ALLOW_HOST set.
ENTRYPOINT ["classwright", "serve"]
CMD ["--http", "--host", "0.0.0.0", "--token-env", "CLASSWRIGHT_TOKEN"]
