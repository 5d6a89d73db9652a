# The bench's results as a table, with each figure's ratio to the limit and to
# the best peer, and what the bars are that dotproxy is to clear.

NF && FILENAME ~ /about$/ { key = $1; sub(/^[^ ]* /, ""); about[key] = $0; next }
$2 == "pss" { idle[$1] = $3 / 1024; after[$1] = $4 / 1024 }
# Rounds of who were asked in turn: told as medians.
$2 == "turns" {
	for (i = 3; i <= 9; i++)
		turns[$1, i] = turns[$1, i] " " $i
	next
}
$2 != "pss" {
	us[$1, $2] = $3; qps[$1, $2] = $4; busy[$1, $2] = $5; ok[$1, $2] = $6
	delay[$1, $2] = sprintf("%7d %7d %7d", $7, $8, $9)
	p99[$1, $2] = $8
	if ($1 != "limit" && $1 != "dotproxy" && $6 > 99 &&
	    (!($2 in best) || $3 < us[best[$2], $2]))
		best[$2] = $1
}
!($1 in seen) { seen[$1] = 1; name[++n] = $1 }

function ratio(what, to) { return to > 0 ? sprintf("%.2f", what / to) : "-" }

function part(load, title,  i, w, some) {
	for (i = 1; i <= n; i++)
		some = some || (name[i], load) in us
	if (!some)
		return
	printf "\n%s\n%-14s %8s %8s %8s %9s %5s %7s %7s %7s %7s\n", title, "",
	    "CPU us", "/limit", "/peer", "q/s", "busy%", "ok%", "p50 us",
	    "p99", "p99.9"
	for (i = 1; i <= n; i++) {
		w = name[i]
		if (!((w, load) in us))
			continue
		printf "%-14s %8.2f %8s %8s %9d %5d %7.2f %s\n", w,
		    us[w, load], ratio(us[w, load], us["limit", "hit"]),
		    ratio(us[w, load], us[best[load], load]), qps[w, load],
		    busy[w, load], ok[w, load], delay[w, load]
	}
}

function median(who, field,  v, n, i, j, t) {
	n = split(turns[who, field], v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function in_turn(title, a, b,  i, w) {
	if (!((a, 3) in turns) || !((b, 3) in turns))
		return 0
	printf "\n%s\n%-14s %8s %8s %9s %5s %7s %7s %7s %7s\n", title, "",
	    "CPU us", "ratio", "q/s", "busy%", "ok%", "p50 us", "p99", "p99.9"
	for (i = 1; i <= 2; i++) {
		w = i == 1 ? a : b
		printf "%-14s %8.2f %8s %9d %5d %7.2f %7d %7d %7d\n", w,
		    median(w, 3), ratio(median(w, 3), median(a, 3)),
		    median(w, 4), median(w, 5), median(w, 6), median(w, 7),
		    median(w, 8), median(w, 9)
	}
	return 1
}

function bar(what, is, most, unit) {
	printf "%-4s %s: %.2f%s, at most %.2f\n",
	    is <= most ? "yes" : "NO", what, is, unit, most
}

END {
	printf "%s, %s\n", about["date"], about["commit"]
	printf "%s, Linux %s, load average %s\n", about["cpu"],
	    about["kernel"], about["load"]
	printf "asked by %s for %s s\n", about["with"], about["seconds"]
	part("hit", "hit: 10,000 names")
	part("zipf", "zipf: 100,000 names, cold")
	part("miss", "miss: fresh names, over TLS")
	hits = in_turn("hits in turn, medians; latency at the same rate",
	    "limit", "dotproxy")
	workers = in_turn("one worker and two in turn, two clients, medians",
	    "workers_1", "workers_2")
	printf "\nmemory, PSS MB\n%-14s %8s %8s\n", "", "idle", "after"
	for (i = 1; i <= n; i++)
		printf "%-14s %8.1f %8.1f\n", name[i], idle[name[i]],
		    after[name[i]]
	print ""
	if (hits) {
		bar("CPU of a hit, to the limit's",
		    median("dotproxy", 3) / median("limit", 3), 1.2, "")
		# An echo that waits so long waits for a core.
		if (median("limit", 8) > 500)
			printf "-    %s: too much else runs here to say\n",
			    "p99 that a hit adds to the limit's"
		else
			bar("p99 that a hit adds to the limit's",
			    median("dotproxy", 8) - median("limit", 8), 50,
			    " us")
	} else if (("dotproxy", "hit") in us && ("limit", "hit") in us) {
		hit = us["dotproxy", "hit"] / us["limit", "hit"]
		bar("CPU of a hit, to the limit's", hit, 1.2, "")
		bar("p99 that a hit adds to the limit's",
		    p99["dotproxy", "hit"] - p99["limit", "hit"], 50, " us")
	}
	if (workers) {
		bar("CPU of a hit with two workers, to that with one",
		    median("workers_2", 3) / median("workers_1", 3), 1.11, "")
		if (about["cores"] >= 4)
			bar("questions with one worker, to those with two",
			    median("workers_1", 4) / median("workers_2", 4),
			    0.556, "")
	}
	if (("dotproxy", "miss") in us && "miss" in best) {
		peer = best["miss"]
		miss = us["dotproxy", "miss"] / us[peer, "miss"]
		bar("CPU of a miss, to the best peer's (" peer ")", miss, 0.5,
		    "")
	}
	if ("dotproxy" in idle) {
		bar("PSS idle", idle["dotproxy"], 6, " MB")
		bar("PSS after", after["dotproxy"], 32 + 8, " MB")
	}
}
