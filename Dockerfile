# bridge in one image: `serve` by default; `web` and `worker` run the halves. See docs/install/docker.md.
# The digest pins the image, whatever the tag means later. Every few weeks, take the current one for its security
# fixes: docker buildx imagetools inspect python:3.11-slim --format '{{.Manifest.Digest}}'
FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7 AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 XDG_STATE_HOME=/state
RUN useradd --system --uid 10001 --home-dir /app bridge
WORKDIR /app
COPY --from=build /venv /venv
COPY bridge bridge
# Only the embedded Redis writes here, which runs if REDIS_URL is not set.
RUN install --directory --owner bridge /state
USER bridge
EXPOSE 8080
# The worker half listens on no port: compose.yaml switches this check off there.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8080') + '/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bridge"]
CMD ["serve"]
