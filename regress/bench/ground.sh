# Shell functions of the benches: what each starts is ended with it, and free
# ports to start it on.
# shellcheck shell=sh disable=SC2154 # the caller's: work, server, upstream

finish() {
	status=$?
	trap - EXIT
	end_server
	[ -z "${together:-}" ] || end_all
	[ -z "$upstream" ] || kill "$upstream" 2>/dev/null || :
	rm -rf "$work"
	exit "$status"
}

note() { echo "bench: $*" >&3; }

free_port() {
	while :; do
		port=$(shuf -i 20000-29999 -n 1)
		ss -Hlntu "sport = :$port" | grep -q . || break
	done
	echo "$port"
}

listens() { ss -Hlnt "sport = :$1" | grep -q .; }

end_server() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null || :
	for _ in $(seq 60); do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	kill -9 "$server" 2>/dev/null || :
	wait "$server" 2>/dev/null || :
	server=
}
