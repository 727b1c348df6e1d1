# docker build -t pgtraffic . && docker run --rm --network host pgtraffic -d postgresql://app@127.0.0.1/shop
# The image holds the program alone: name a database, or install postgresql beside it for the temporary one.
FROM debian:bookworm-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        g++ cmake ninja-build pkg-config libpq-dev libuv1-dev libmicrohttpd-dev libcxxopts-dev nlohmann-json3-dev libfmt-dev \
        libssl-dev zlib1g-dev libjs-chart.js dpkg-dev file git ca-certificates
COPY . /src
WORKDIR /src
RUN git config --global --add safe.directory /src && cmake --workflow --preset package

FROM debian:bookworm-slim
COPY --from=build /src/build/package/pgtraffic_*.deb /tmp/
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates /tmp/pgtraffic_*.deb \
    && rm -rf /tmp/pgtraffic_*.deb /var/lib/apt/lists/* \
    && useradd --system --no-create-home pgtraffic
USER pgtraffic
ENTRYPOINT ["pgtraffic"]
