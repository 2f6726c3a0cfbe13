# The demo backend's image, from the root of the repository:
#   docker build -f deploy/demo.Dockerfile -t larder-demo .
FROM debian:trixie-slim
WORKDIR /demo
COPY deploy/packages /packages
RUN /packages/install demo && rm -rf /var/lib/apt/lists/* && \
    useradd --no-create-home --uid 10001 --shell /usr/sbin/nologin demo
COPY deploy/demo .
USER demo
ENV PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8000/healthz"]
CMD ["./start"]
