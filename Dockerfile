# Two images: `--target service` and `--target broker`. Not complete: base images are named by tag and not by digest,
# and nobody has built them in this project's checks yet.

FROM debian:bookworm-slim AS broker
RUN apt-get update \
    && apt-get install -y --no-install-recommends mosquitto \
    && rm -rf /var/lib/apt/lists/*
COPY broker/mosquitto/mosquitto.conf /etc/mosquitto/dorflicht.conf
# The plugin's path in mosquitto.conf is that of x86_64.
# The access file comes from `dorflicht prepare-broker`, another user: Mosquitto must be able to write it anew.
CMD ["sh", "-c", "test -s /var/lib/mosquitto/dorflicht-access.json || { echo 'No access file yet: docker compose run --rm prepare' >&2; exit 1; }; chown -R mosquitto:mosquitto /var/lib/mosquitto && exec mosquitto -c /etc/mosquitto/dorflicht.conf"]

FROM python:3.11-slim-bookworm AS service
WORKDIR /opt/dorflicht
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY broker broker
COPY device_sim device_sim
COPY firmware_mock firmware_mock
COPY service service
COPY villages villages
RUN pip install --no-cache-dir --no-build-isolation --no-deps . \
    && useradd --system --create-home --home-dir /var/lib/dorflicht dorflicht
USER dorflicht
WORKDIR /var/lib/dorflicht
CMD ["dorflicht", "serve"]
