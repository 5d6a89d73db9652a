# What the scripts of this folder share: the parent with a child that is owned,
# from its start to its end, and a case for each attack that the child has.
# shellcheck shell=sh

dotproxy=$(atf_get_srcdir)/../../dotproxy

# wait_for SECONDS COMMAND...: until it is true.
wait_for()
{
	limit=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		limit=$((limit - 1))
		[ $limit -gt 0 ] || return 1
		sleep 0.05
	done
}

# start_parent LIBEXEC: with the config that configure, the script's own, has
# beside the port and the user; until it is ready or has said why not.
start_parent()
{
	mkdir -p empty
	# Below the ports that the kernel gives to whoever asks for any.
	for try in 1 2 3 4 5 6 7 8; do
		port=$((($$ * 7 + try * 1009) % 20000 + 10000))
		{
			cat <<-EOF
			listen on 127.0.0.1 port $port
			workers 1
			user "nobody"
			chroot "$PWD/empty"
			EOF
			configure
		} >conf
		chmod go-w conf
		"$dotproxy" -d -f conf -L "$1" >log 2>&1 &
		parent=$!
		echo $parent >pid
		wait_for 10 grep -qE \
		    ': ready, |not serving|could not start|killed' log
		grep -q "Address already in use" log || break
	done
}

end_parent()
{
	kill -0 "$parent" || { cat log; atf_fail "the parent is gone"; }
	kill -TERM "$parent"
	wait "$parent" || { cat log; atf_fail "the parent did not exit with 0"; }
	rm pid
}

# cases DESCRIPTION NAME ...: `attack NAME`, the script's own, is the body.
cases()
{
	what=$1
	shift
	all=$*
	for name; do
		eval "
		atf_test_case $name cleanup
		${name}_head() {
			atf_set descr '$what: $name'
			atf_set timeout 60
		}
		${name}_body() { attack $name; }
		${name}_cleanup() {
			[ ! -f pid ] || kill -KILL \$(cat pid) 2>/dev/null || :
		}
		"
	done
}

atf_init_test_cases()
{
	for name in $all; do
		atf_add_test_case "$name"
	done
}
