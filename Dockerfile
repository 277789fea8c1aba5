# Builds writethru and leaves one binary on a small base.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p writethru

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/writethru --create-home writethru \
 && install -d -o writethru -m 700 /var/lib/writethru-key
COPY --from=build /src/target/release/writethru /usr/local/bin/writethru
USER writethru
WORKDIR /var/lib/writethru
ENV WRITETHRU_DATA=/var/lib/writethru/data
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/writethru"]
CMD ["up", "--http", "0.0.0.0:8080", "--insecure-http"]
