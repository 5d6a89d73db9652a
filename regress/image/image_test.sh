# shellcheck disable=SC2086 # $store and the like are words
# The container image for real: its base made by mmdebstrap, since no registry
# of images is asked; built by buildah without a container of its own, run by
# podman and runc, in a network of the test's. `make test-image` runs it.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")

# What the Dockerfile's comment promises that it runs with.
bare='--cap-drop=ALL --read-only --security-opt=no-new-privileges'
# For machines whose root may not raise limits.
limits='--ulimit nofile=4096:4096 --ulimit nproc=4096:4096'

# Images and containers of the test lie in its own folder. The runtime's folder
# holds sockets, whose names must be short.
storage() {
	store="--root $PWD/storage --runroot $(cat runroot) \
	    --storage-driver vfs"
}
podman() { command podman $store --cgroup-manager cgroupfs "$@"; }

build_image() {
	mmdebstrap --quiet --variant=minbase --include=ca-certificates \
	    bookworm base.tar || atf_fail 'no base image'
	podman import --quiet base.tar "$(sed -n 's/^FROM \(.*\) AS .*/\1/p' \
	    "$top/Dockerfile")" || atf_fail 'no base image taken'
	rm base.tar
	(cd "$top" && tar cf - --exclude=./obj --exclude='./obj-*' \
	    --exclude=./.git .) | (mkdir src && cd src && tar xf -)
	(cd src && command buildah $store build --isolation chroot \
	    --pull-never --quiet -t dotproxy-test .) >build.log 2>&1 || {
		cat build.log
		atf_fail 'the image does not build'
	}
}

make_network() {
	net=dotproxy-$$
	echo "$net" >net
	ip netns add "$net"
	ip -n "$net" link set lo up
	ip netns exec "$net" unbound -d -c unbound.conf >unbound.log 2>&1 &
	echo $! >pid
}

write_conf() {
	cat "$top/contrib/container.conf"
	cat <<-CONF
	workers 2
	upstream "test" {
		address 127.0.0.1 port 8530
		name "$host"
		ca "/ca.pem"
		pin "$(pin_of server.pem)"
	}
	forward to "test"
	CONF
}

# run LOG: a container in the background, until it says that it is ready.
run() {
	# shellcheck disable=SC2086
	podman --runtime runc run --rm --name dotproxy-test $bare $limits \
	    --network "ns:/run/netns/$net" \
	    --volume "$PWD/conf:/usr/local/etc/dotproxy.conf:ro" \
	    --volume "$PWD/server-ca.pem:/ca.pem:ro" \
	    dotproxy-test >"$1" 2>&1 &
	client=$!
	until_true dotproxy "$client" grep -q ': ready' "$1" || {
		cat "$1"
		atf_fail 'the container did not start'
	}
}

end() {
	podman stop --time 5 dotproxy-test >/dev/null ||
	    atf_fail 'the container did not stop'
	wait "$client" || atf_fail 'the container did not end well'
}

answers_on() {
	atf_check -o inline:'192.0.2.80\n' ip netns exec "$net" \
	    dig +short +tries=1 +timeout=7 -p "$1" @127.0.0.1 \
	    www.demo.example A
	atf_check -o match:'0000' ip netns exec "$net" \
	    dig +short +tcp +tries=1 +timeout=7 -p "$1" @::1 \
	    big.demo.example TXT
}

# Of every process in the container, as the kernel has it and as it is told.
is_confined() {
	cat >confined <<-STATUS
	Uid: 65532 65532 65532 65532
	CapInh: none
	CapPrm: none
	CapEff: none
	CapBnd: none
	CapAmb: none
	NoNewPrivs: 1
	Seccomp: 2
	STATUS
	main=$(podman inspect --format '{{.State.Pid}}' dotproxy-test)
	for pid in $main $(cat "/proc/$main/task/$main/children"); do
		grep -E '^(Uid|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' \
		    "/proc/$pid/status" | tr -s '\t' ' ' >status
		sed 's/ 0000000000000000$/ none/' status >seen
		atf_check diff -u confined seen
	done
	atf_check -o inline:'4\n' grep -c 'confined by: .*landlock seccomp' "$1"
}

holds_nothing_else() {
	podman create --name dotproxy-look dotproxy-test >/dev/null ||
	    atf_fail 'there is no image'
	podman export dotproxy-look | tar tf - | grep -v '/$' |
	    grep -v -E '^(dev|proc|sys|run)/|^etc/(hosts|hostname|mtab)$' |
	    grep -v '^etc/resolv.conf$' | sort >files
	podman rm dotproxy-look >/dev/null
	cat >expected <<-FILES
	etc/ssl/certs/ca-certificates.crt
	usr/local/etc/dotproxy.conf
	usr/local/libexec/dotproxy/dotproxy-socks
	usr/local/libexec/dotproxy/dotproxy-tls
	usr/local/libexec/dotproxy/dotproxy-worker
	usr/local/sbin/dotproxy
	FILES
	atf_check diff -u expected files
}

atf_test_case the_image_answers_without_any_privilege cleanup
the_image_answers_without_any_privilege_head() {
	atf_set require.user root
	atf_set require.progs 'podman buildah runc mmdebstrap ip unbound dig'
}
the_image_answers_without_any_privilege_body() {
	[ "$(atf_config_get image no)" = yes ] ||
	    atf_skip 'make test-image runs it: it takes minutes'
	work=$PWD host=dot.demo.example
	. "$top/regress/dot.sh"
	mktemp -d /tmp/dotproxy-run.XXXXXX >runroot
	chmod 755 .
	storage
	build_image
	holds_nothing_else
	make_certificates
	write_server_conf 8530
	write_conf >conf
	make_network

	run log
	answers_on 5353
	is_confined log
	end
	ip netns exec "$net" sh -c \
	    'echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	run log53
	answers_on 53
	end
}
the_image_answers_without_any_privilege_cleanup() {
	[ -s runroot ] || return 0
	storage
	podman rm --force --all >/dev/null 2>&1
	[ ! -s pid ] || kill "$(cat pid)"
	[ ! -s net ] || ip netns del "$(cat net)"
	rm -rf storage "$(cat runroot)"
}

atf_init_test_cases() {
	atf_add_test_case the_image_answers_without_any_privilege
}
