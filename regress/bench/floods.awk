# The results of regress/bench/floods as a table.

NF && FILENAME ~ /about$/ { key = $1; sub(/^[^ ]* /, ""); about[key] = $0; next }
{
	if (!(($1, $2) in seen)) {
		seen[$1, $2] = 1
		order[++n] = $1 SUBSEP $2
	}
	for (i = 4; i <= NF; i++) {
		split($i, f, "=")
		v[$1, $2, $3, f[1]] = f[2]
	}
}

function of(what, name) { return v[who, what, name] }

# us of a processor for a flood's packet that was received, less the clients'.
function dear(  got, took) {
	got = of("flood", "sent") - of("clients", "rcvbuf")
	took = of("clients", "cpu_us") - v[server, "alone", "clients", "cpu_us"]
	return got < 1 ? 0 : took / got
}

END {
	printf "%s, %s\n%s, Linux %s, load average %s\n", about["date"],
	    about["commit"], about["cpu"], about["kernel"], about["load"]
	for (i = 1; i <= n; i++) {
		who = order[i]
		split(who, part, SUBSEP)
		if (part[1] != server) {
			server = part[1]
			printf "\n%-9s %7s %6s %6s %6s %5s %7s %7s %7s %7s\n",
			    server, "flood/s", "us", "of", "answd", "TCP",
			    "p50 ms", "p99 ms", "worst", "PSS MB"
		}
		printf "%-9s %7s %6s %6d %6d %5d %7.1f %7.1f %7.1f %7.1f",
		    part[2], ((who, "flood", "rate") in v) ? of("flood", "rate") : "-",
		    ((who, "flood", "rate") in v) ? sprintf("%.2f", dear()) : "-",
		    of("clients", "sent"), of("clients", "noerror"),
		    of("clients", "tcp"), of("clients", "p50_ms"),
		    of("clients", "p99_ms"), of("clients", "max_ms"),
		    of("clients", "pss_kb") / 1024
		if (of("clients", "rcvbuf") > 0)
			printf "  (kernel dropped %d)", of("clients", "rcvbuf")
		print ""
		if ((who, "victim", "sent") in v) {
			printf "          victim by TCP: %d of %d, worst %d ms;",
			    of("victim", "noerror"), of("victim", "sent"),
			    of("victim", "max_ms")
			printf " by cookie: %d of %d, worst %d ms;",
			    of("cookie", "noerror"), of("cookie", "sent"),
			    of("cookie", "max_ms")
			printf " dig %d, kdig %d of 5\n",
			    of("digs", "dig"), of("digs", "kdig")
		}
		if ((who, "slow", "most") in v) {
			printf "          slow: at most %d at once, %d came;",
			    of("slow", "most"), of("slow", "came")
			printf " new by TCP: %d of %d, p99 %.1f worst %.1f ms\n",
			    of("new", "noerror"), of("new", "sent"),
			    of("new", "p99_ms"), of("new", "max_ms")
		}
	}
	print ""
	print "The bars: one 1.4 us, all answered, worst 10 ms, p99 5 ms; forged " \
	    "4,950 of 5,000, worst 50 ms."
}
