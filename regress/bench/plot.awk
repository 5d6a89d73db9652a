# The bench's results as SVG: CPU of a question for each load, and memory, a
# bar for each server. dotproxy's are the dark ones.

NF && FILENAME ~ /about$/ { key = $1; sub(/^[^ ]* /, ""); about[key] = $0; next }
$2 == "turns" { next }
!($1 in seen) { seen[$1] = 1; name[++n] = $1 }
$2 == "pss" { v[$1, "pss"] = $4 / 1024; next }
{ v[$1, $2] = $3 }

function text(x, y, anchor, s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y,
	    anchor, s
}

function panel(load, title, form,  i, w, most, some) {
	for (i = 1; i <= n; i++)
		if ((name[i], load) in v) {
			some++
			if (v[name[i], load] > most)
				most = v[name[i], load]
		}
	if (!some || most == 0)
		return
	y += 34
	text(10, y, "start", title)
	for (i = 1; i <= n; i++) {
		w = name[i]
		if (!((w, load) in v))
			continue
		y += 22
		text(130, y + 12, "end", w)
		printf "<rect x=\"138\" y=\"%d\" width=\"%.1f\" height=\"16\"" \
		    " fill=\"%s\"/>\n", y, v[w, load] / most * 400,
		    w == "dotproxy" ? "#1f4e79" : \
		    w == "limit" ? "#c9c9c9" : "#9dbad5"
		text(144 + v[w, load] / most * 400, y + 12, "start",
		    sprintf(form, v[w, load]))
	}
}

function body() {
	y = 4
	panel("hit", "CPU microseconds of a hit", "%.2f")
	panel("zipf", "CPU microseconds of a question, Zipf mix", "%.2f")
	panel("miss", "CPU microseconds of a miss", "%.2f")
	panel("pss", "PSS after the run, MB", "%.1f")
	y += 40
	text(10, y, "start", about["date"] ", " about["commit"] ", " \
	    about["cpu"])
}

END {
	height = 4 + 40 + 14
	for (k in v) {
		split(k, f, SUBSEP)
		if (v[k] > 0)
			height += 22
		if (v[k] > 0 && !(f[2] in had)) {
			had[f[2]] = 1
			height += 34
		}
	}
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\"" \
	    " height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n",
	    height
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	body()
	print "</svg>"
}
