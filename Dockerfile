# dotproxy in a container: its programs, static, on nothing but a CA
# bundle and a config. It needs no capability, no file to write, no shell:
#
#   docker run --cap-drop=ALL --read-only --security-opt=no-new-privileges
#
# It listens on port 53 where the runtime lets an ordinary user bind it
# (Docker does; podman with --sysctl net.ipv4.ip_unprivileged_port_start=53),
# and on 5353 elsewhere.
FROM debian:12 AS build
WORKDIR /src
COPY build/setup build/setup
RUN build/setup run
COPY . .
RUN make -j"$(nproc)" OBJ=/obj STATIC=1 programs && \
    strip /obj/dotproxy /obj/dotproxy-worker /obj/dotproxy-tls \
        /obj/dotproxy-socks && \
    install -D -t /image/usr/local/sbin /obj/dotproxy && \
    install -D -t /image/usr/local/libexec/dotproxy \
        /obj/dotproxy-worker /obj/dotproxy-tls /obj/dotproxy-socks && \
    install -D -m 644 contrib/container.conf \
        /image/usr/local/etc/dotproxy.conf && \
    install -D -m 644 -t /image/etc/ssl/certs \
        /etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
EXPOSE 53/udp 53/tcp 5353/udp 5353/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/sbin/dotproxy", "-d"]
