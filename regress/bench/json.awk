# The bench's results as one line of JSON.

NF && FILENAME ~ /about$/ {
	key = $1
	sub(/^[^ ]* /, "")
	gsub(/["\\]/, "\\\\&")
	head = head sprintf("\"%s\":\"%s\",", key, $0)
	next
}
$2 == "turns" {
	turn[$1] = turn[$1] (turn[$1] != "" ? "," : "") \
	    sprintf("{\"cpu_us\":%s,\"qps\":%s,\"p99_us\":%s}", $3, $4, $8)
	next
}
!($1 in seen) { seen[$1] = 1; name[++n] = $1 }
$2 == "pss" {
	add($1, sprintf("\"pss_kb\":{\"idle\":%d,\"after\":%d}", $3, $4))
	next
}
{
	add($1, sprintf("\"%s\":{\"cpu_us\":%s,\"qps\":%s,\"busy\":%s," \
	    "\"answered\":%s,\"p50_us\":%s,\"p99_us\":%s,\"p999_us\":%s}",
	    $2, $3, $4, $5, $6, $7, $8, $9))
}

function add(who, what) {
	body[who] = body[who] (who in body && body[who] != "" ? "," : "") what
}

END {
	printf "{%s\"servers\":{", head
	for (i = 1; i <= n; i++)
		printf "%s\"%s\":{%s}", (i > 1 ? "," : ""), name[i], body[name[i]]
	printf "},\"turns\":{"
	i = 0
	for (w in turn)
		printf "%s\"%s\":[%s]", (i++ ? "," : ""), w, turn[w]
	print "}}"
}
