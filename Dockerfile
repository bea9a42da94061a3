# syntax=docker/dockerfile:1

# One image for web, workers and scheduler; compose.yaml says who runs which command.
FROM python:3.13-slim-bookworm AS environment
ENV PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check uv
WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
RUN uv sync --frozen --no-dev --no-cache

FROM python:3.13-slim-bookworm
# git and ssh fetch repositories; tini passes signals on and reaps what the analysers leave.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin app \
    && install --directory --owner app --group app --mode 0700 /var/lib/straightedge
WORKDIR /app
COPY --from=environment /app/.venv .venv
COPY . .
ENV PATH="/app/.venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=dashboard.settings \
    STRAIGHTEDGE_HOME=/var/lib/straightedge
USER app
VOLUME /var/lib/straightedge
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["gunicorn", "dashboard.wsgi:application", "--bind", "0.0.0.0:8000"]
