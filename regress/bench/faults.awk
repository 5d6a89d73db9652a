# The results of regress/bench/faults as a table, or as a line of JSON: of
# several runs the fewest NOERROR, the most others and lost, the median of the
# mean and of the worst time, and the best of the worst.

NF && FILENAME ~ /about$/ { key = $1; sub(/^[^ ]* /, ""); about[key] = $0; next }
{
	who = $1 SUBSEP $2
	if (!(who in runs))
		order[++n] = who
	r = ++runs[who]
	rate[who] = $3
	for (i = 5; i <= NF; i++) {
		split($i, f, "=")
		v[f[1]] = f[2]
	}
	most("sent", v["sent"])
	most("bad", v["answered"] - v["noerror"] + v["wrong"])
	most("lost", v["lost"])
	most("missing", v["sent"] - v["noerror"])
	mean[who, r] = v["mean_ms"]
	worst[who, r] = v["max_ms"]
}

function most(what, value) {
	if (!((who, what) in top) || value > top[who, what])
		top[who, what] = value
}

# Sorted by insertion: a few.
function sorted(list, count,  i, k, t) {
	for (i = 2; i <= count; i++)
		for (k = i; k > 1 && list[who, k] + 0 < list[who, k - 1] + 0; k--) {
			t = list[who, k]
			list[who, k] = list[who, k - 1]
			list[who, k - 1] = t
		}
	return list[who, int((count + 1) / 2)]
}

function good() { return top[who, "sent"] - top[who, "missing"] }

END {
	if (!json) {
		printf "%s, %s\n%s, Linux %s, load average %s\n", about["date"],
		    about["commit"], about["cpu"], about["kernel"], about["load"]
		printf "each %d times, %d certificates in the CA bundle\n",
		    about["times"], about["roots"]
	} else
		printf "{\"date\":\"%s\",\"commit\":\"%s\",\"roots\":%d," \
		    "\"times\":%d,\"rows\":[", about["date"], about["commit"],
		    about["roots"], about["times"]
	for (i = 1; i <= n; i++) {
		who = order[i]
		split(who, part, SUBSEP)
		count = runs[who]
		m = sorted(mean, count)
		w = sorted(worst, count)
		if (json) {
			printf "%s{\"server\":\"%s\",\"fault\":\"%s\"," \
			    "\"rate\":%d,\"asked\":%d,\"noerror\":%d," \
			    "\"others\":%d,\"lost\":%d,\"mean_ms\":%s," \
			    "\"worst_ms\":%s,\"best_worst_ms\":%s}",
			    (i > 1 ? "," : ""), part[1], part[2], rate[who],
			    top[who, "sent"], good(), top[who, "bad"],
			    top[who, "lost"], m, w, worst[who, 1]
			continue
		}
		if (part[1] != last) {
			printf "\n%-15s %5s %6s %7s %6s %5s %9s %9s%s\n",
			    part[1], "rate", "asked", "NOERROR", "others",
			    "lost", "mean ms", "worst ms",
			    (about["times"] > 1 ? "      best" : "")
			last = part[1]
		}
		printf "%-15s %5d %6d %7d %6d %5d %9.1f %9.1f", part[2],
		    rate[who], top[who, "sent"], good(), top[who, "bad"],
		    top[who, "lost"], m, w
		if (about["times"] > 1)
			printf " %9.1f", worst[who, 1]
		print ""
	}
	if (json)
		print "]}"
}
