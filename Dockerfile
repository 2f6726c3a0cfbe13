# Larder's image. `deploy/image larder:TAG` builds it with version, revision and dates filled in;
# `docker build -t larder .` does without them. What of it is reproducible: deploy/README.md.
FROM debian:trixie-slim AS build
WORKDIR /larder
# The packages before the sources: a changed source does not install them again.
COPY deploy/packages/install deploy/packages/build deploy/packages/
RUN deploy/packages/install build && rm -rf /var/lib/apt/lists/*
COPY proxy proxy
# How many compilers at once; as many as there are cores, and two, unless it is set.
ARG LARDER_JOBS
# Nothing here knows the architecture, and no path of the build is left in what it makes.
RUN --mount=type=cache,target=/root/.cache/ccache \
    CXXFLAGS=-ffile-prefix-map=/larder=. cmake -S proxy --preset release && \
    cmake --build .build/release --target larder ${LARDER_JOBS:+--parallel "$LARDER_JOBS"}
# The program, and the packages of the libraries that it is linked with, by the names that this
# release gives them.
RUN mkdir -p /out/bin && strip -o /out/bin/larder .build/release/proxy/larder && \
    ldd /out/bin/larder | awk '$2 == "=>" {print $3}' | xargs realpath | xargs dpkg-query -S | \
    cut -d: -f1 | sort -u >/out/packages

FROM debian:trixie-slim AS run
# In seconds since 1970: the date of what these steps make, so that a later build makes the same. Packages
# bring their files' own dates. Logs are emptied, not removed: the mark of a removed file has a date of its own.
ARG SOURCE_DATE_EPOCH
RUN --mount=type=bind,from=build,source=/out/packages,target=/packages \
    touch /dev/shm/began && apt-get update && \
    xargs apt-get install -y --no-install-recommends ca-certificates </packages && \
    useradd --no-create-home --uid 10001 --shell /usr/sbin/nologin larder && \
    rm -rf /var/lib/apt/lists/* && find /var/log /var/cache/ldconfig -type f -exec truncate --size 0 {} + && \
    find / -xdev -newer /dev/shm/began -writable \
      -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" {} +
# The program, and examples of rules: mount your own folder over them and name the file in LARDER_RULES.
RUN --mount=type=bind,from=build,source=/out/bin,target=/out \
    --mount=type=bind,source=rules,target=/rules \
    install /out/larder /usr/local/bin && \
    install -d /etc/larder && install -m 644 /rules/*.yaml /rules/larder.schema.json /etc/larder && \
    touch --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" /etc /etc/larder /etc/larder/* /usr/local/bin /usr/local/bin/*
USER larder
EXPOSE 8080
# SIGTERM drains: what is being answered is answered.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["larder", "health"]
ENTRYPOINT ["larder"]
CMD ["serve"]
# Last, so that another commit changes no layer by its number alone.
ARG VERSION=unknown REVISION=unknown SOURCE=unknown
LABEL org.opencontainers.image.title="Larder" \
      org.opencontainers.image.description="A caching reverse proxy that a Django team puts in front of its API" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.base.name="debian:trixie-slim"
