# Larder's image: `docker build -t larder .`
FROM debian:trixie-slim AS build
WORKDIR /larder
# The packages before the sources: a changed source does not install them again.
COPY deploy/packages deploy/packages
RUN deploy/packages/install build && rm -rf /var/lib/apt/lists/*
COPY proxy proxy
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake -S proxy --preset release && cmake --build .build/release --target larder && \
    cmake --install .build/release --prefix /out --strip
# What the run stage installs: the packages of the libraries that the binary is linked with, by the
# names that this release gives them.
RUN ldd /out/bin/larder | awk '$2 == "=>" {print $3}' | xargs realpath | xargs dpkg-query -S | \
    cut -d: -f1 | sort -u >/out/packages

FROM debian:trixie-slim
COPY --from=build /out/packages /tmp/packages
RUN apt-get update && \
    xargs apt-get install -y --no-install-recommends ca-certificates </tmp/packages && \
    rm -rf /var/lib/apt/lists/* /tmp/packages && \
    useradd --no-create-home --uid 10001 --shell /usr/sbin/nologin larder
COPY --from=build /out/bin/larder /usr/local/bin/larder
# Examples; mount your own folder over them and name the file in LARDER_RULES.
COPY rules /etc/larder
USER larder
EXPOSE 8080
# SIGTERM drains: what is being answered is answered.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["larder", "health"]
ENTRYPOINT ["larder"]
CMD ["serve"]
