# Three images from one build:
#
#   docker build --target gateway -t souvenir-gateway:0.1.0 \
#     --build-arg SOUVENIR_COMMIT="$(git rev-parse --short=12 HEAD)" .      (and compute, and cli)
#
# scripts/setup installs the packages of scripts/packages/, as everywhere else. The build needs BuildKit, for
# its mounts, or buildah. buildah needs `--format docker`, because otherwise the images have no HEALTHCHECK.
# docs/operations.md tells how to run the images.

FROM debian:12 AS build
WORKDIR /souvenir
# The scripts come before the sources, which change more often.
COPY scripts scripts
RUN scripts/setup --only build
COPY . .
ENV CCACHE_DIR=/ccache
# The commit for --version, because the sources come without .git.
ARG SOUVENIR_COMMIT=""
RUN --mount=type=cache,target=/ccache \
    cmake --preset release -DSOUVENIR_TESTS=OFF -DSOUVENIR_BENCH=OFF \
      -DSOUVENIR_COMMIT="$SOUVENIR_COMMIT" && cmake --build build/release

FROM debian:12-slim AS base
# The same step removes apt's downloads, because not every base image is set up to do so.
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# The user is a number, so that Kubernetes can see that it is not root.
RUN groupadd --gid 10001 souvenir && \
    useradd --uid 10001 --gid souvenir --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin souvenir
COPY LICENSE /usr/share/doc/souvenir/copyright
ENV PATH=/opt/souvenir/bin:$PATH
# The services do not write to the root file system, which may be read-only. Models that are programs may need
# a writable /tmp.

FROM base AS cli
COPY --from=build /souvenir/build/release/bin/souvenir /opt/souvenir/bin/
USER 10001:10001
ENTRYPOINT ["souvenir"]

FROM base AS gateway
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image-gateway && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# A new volume takes its owner from this folder.
RUN install -d -o 10001 -g 10001 -m 750 /var/lib/souvenir
COPY deploy/kubernetes/base/gateway.textproto /etc/souvenir/
COPY --from=build /souvenir/build/release/bin/souvenir \
     /souvenir/build/release/bin/souvenir-gateway /opt/souvenir/bin/
USER 10001:10001
VOLUME /var/lib/souvenir
EXPOSE 8001 8002
# The check succeeds while compute is away, because the gateway still serves remembered answers. It fails
# while the gateway stops.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m CMD ["souvenir", "--timeout=4", "health"]
ENTRYPOINT ["souvenir-gateway"]
CMD ["--config=/etc/souvenir/gateway.textproto"]

# The workers for Apertium and eSpeak NG are linked with libraries under the GPL. Read "Licence" in README.md before you pass
# this image on.
FROM base AS compute
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image-compute,runtime && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY deploy/kubernetes/base/compute.textproto /etc/souvenir/
COPY models /opt/souvenir/models
COPY --from=build /souvenir/build/release/bin/souvenir \
     /souvenir/build/release/bin/souvenir-compute \
     /souvenir/build/release/bin/souvenir-worker-apertium \
     /souvenir/build/release/bin/souvenir-worker-audio \
     /souvenir/build/release/bin/souvenir-worker-builtin \
     /souvenir/build/release/bin/souvenir-worker-espeak-ng \
     /souvenir/build/release/bin/souvenir-worker-pocketsphinx \
     /souvenir/build/release/bin/souvenir-worker-exec /opt/souvenir/bin/
COPY --from=build /souvenir/build/release/bin/python /opt/souvenir/bin/python
USER 10001:10001
EXPOSE 8011 8012
ENV SOUVENIR_SERVER=127.0.0.1:8011
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m CMD ["souvenir", "--timeout=4", "health"]
# When a worker is killed, the processes that it leaves become children of process 1, which has to reap them.
ENTRYPOINT ["tini", "--", "souvenir-compute"]
CMD ["--config=/etc/souvenir/compute.textproto"]
