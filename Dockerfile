# Three images from one build:
#
#   docker build --target gateway -t souvenir-gateway:0.1.0 \
#     --build-arg SOUVENIR_COMMIT="$(git rev-parse --short=12 HEAD)" .      (and compute, and cli)
#
# Packages are those of scripts/packages/, installed by scripts/setup as everywhere else. Needs
# BuildKit, for its mounts, or buildah with `--format docker`, or there is no HEALTHCHECK.
# docs/operations.md tells how the images are run.

FROM debian:12 AS build
WORKDIR /souvenir
# Before the sources, which change more often.
COPY scripts scripts
RUN scripts/setup --only build
COPY . .
ENV CCACHE_DIR=/ccache
# What --version tells: the sources come without .git.
ARG SOUVENIR_COMMIT=""
RUN --mount=type=cache,target=/ccache \
    cmake --preset release -DSOUVENIR_TESTS=OFF -DSOUVENIR_BENCH=OFF \
      -DSOUVENIR_COMMIT="$SOUVENIR_COMMIT" && cmake --build build/release

FROM debian:12-slim AS base
# What apt downloads is emptied in the same step: not every base has the setting that does it.
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# A number, so that Kubernetes can see that it is not root.
RUN groupadd --gid 10001 souvenir && \
    useradd --uid 10001 --gid souvenir --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin souvenir
COPY LICENSE /usr/share/doc/souvenir/copyright
ENV PATH=/opt/souvenir/bin:$PATH
# Nothing below writes to the root file system, which may be read-only. Models that are programs may
# want a /tmp that is not.

FROM base AS cli
COPY --from=build /souvenir/build/release/bin/souvenir /opt/souvenir/bin/
USER 10001:10001
ENTRYPOINT ["souvenir"]

FROM base AS gateway
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image-gateway && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# A new volume takes its owner from here.
RUN install -d -o 10001 -g 10001 -m 750 /var/lib/souvenir
COPY deploy/kubernetes/base/gateway.textproto /etc/souvenir/
COPY --from=build /souvenir/build/release/bin/souvenir \
     /souvenir/build/release/bin/souvenir-gateway /opt/souvenir/bin/
USER 10001:10001
VOLUME /var/lib/souvenir
EXPOSE 8001 8002
# It answers with what it remembers also while compute is away, and refuses while it stops.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m CMD ["souvenir", "--timeout=4", "health"]
ENTRYPOINT ["souvenir-gateway"]
CMD ["--config=/etc/souvenir/gateway.textproto"]

# The worker for Apertium is linked with libraries under the GPL: see "Licence" in README.md before
# this image is passed on.
FROM base AS compute
RUN --mount=type=bind,source=scripts,target=/scripts \
    /scripts/setup --only image-compute,runtime && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY deploy/kubernetes/base/compute.textproto /etc/souvenir/
COPY models /opt/souvenir/models
COPY --from=build /souvenir/build/release/bin/souvenir \
     /souvenir/build/release/bin/souvenir-compute \
     /souvenir/build/release/bin/souvenir-worker-apertium \
     /souvenir/build/release/bin/souvenir-worker-builtin \
     /souvenir/build/release/bin/souvenir-worker-exec /opt/souvenir/bin/
COPY --from=build /souvenir/build/release/bin/python /opt/souvenir/bin/python
USER 10001:10001
EXPOSE 8011 8012
ENV SOUVENIR_SERVER=127.0.0.1:8011
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m CMD ["souvenir", "--timeout=4", "health"]
# A worker that is killed leaves processes whose new parent is number 1, which has to reap them.
ENTRYPOINT ["tini", "--", "souvenir-compute"]
CMD ["--config=/etc/souvenir/compute.textproto"]
