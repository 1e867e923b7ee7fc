# The bot's image: https://docs.docker.com/reference/dockerfile/. It runs with a read-only root; its volume has the
# database if that is SQLite. docs/service.md says how to run it.

FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.txt requirements-dev.txt ./
# hatchling, which builds the package, and what it needs; everything is checked by its hash
RUN python -m venv /opt/anchor-bot && python -m venv build \
    && sed -n '/^\(hatchling\|packaging\|pathspec\|pluggy\|trove-classifiers\)==/,/[^\\]$/p' requirements-dev.txt >build.txt \
    && build/bin/pip install --no-cache-dir --require-hashes --no-deps --requirement build.txt \
    && /opt/anchor-bot/bin/pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.txt
COPY pyproject.toml README.md LICENSE manifest.yml .env.example ./
COPY bot bot
RUN build/bin/hatchling build --target wheel \
    && /opt/anchor-bot/bin/pip install --no-cache-dir --no-index --no-deps dist/*.whl \
    && /opt/anchor-bot/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN groupadd --system --gid 10001 anchor-bot \
    && useradd --system --uid 10001 --gid anchor-bot --home-dir /var/lib/anchor-bot --shell /usr/sbin/nologin anchor-bot \
    && install --directory --owner=anchor-bot --group=anchor-bot --mode=0700 /var/lib/anchor-bot
COPY --from=build /opt/anchor-bot /opt/anchor-bot
ENV PATH=/opt/anchor-bot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    LOG_FORMAT=json
WORKDIR /var/lib/anchor-bot
USER 10001:10001
VOLUME ["/var/lib/anchor-bot"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"]
ENTRYPOINT ["anchor-bot"]
CMD ["run"]
