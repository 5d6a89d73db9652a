# The manual pages against the program: what is in one and not in the other.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")

atf_test_case the_pages_are_without_fault
the_pages_are_without_fault_head() {
	atf_set require.progs mandoc
}
the_pages_are_without_fault_body() {
	for page in "$top"/man/*.[1-9]; do
		mandoc -T lint -W style "$page" 2>/dev/null |
		    grep -v 'referenced manual not found' >faults
		atf_check cat faults
	done
}

atf_test_case the_counters_of_the_page_are_those_of_the_table
the_counters_of_the_page_are_those_of_the_table_body() {
	"$top/build/counters" <"$top/dotproxy/counter.h" >expected
	atf_check test -s expected
	sed -n '/^\.Ss Counters/,/^\.El/p' "$top/man/dotproxy.8" |
	    sed '1,/^\.Bl/d;/^\.El/d' >page
	atf_check cmp expected page
}

# What the log says is in the programs; but for what it is about.
atf_test_case every_line_of_the_log_in_the_page_is_one_of_the_programs
every_line_of_the_log_in_the_page_is_one_of_the_programs_body() {
	obj=$(atf_get_srcdir)/../..
	for program in '' -worker -tls -socks; do
		tr -c '[:print:]' '\n' <"$obj/dotproxy$program"
	done >said
	sed -n '/^\.Sh DIAGNOSTICS/,/^\.Ss Counters/s/^\.It Li //p' \
	    "$top/man/dotproxy.8" |
	    sed -e 's/\\(dq/"/g' \
		-e 's/\.\.\.\|: \|,\|[()]\|CAP_\|\<N\>/\n/g' |
	    sed 's/^ *//; s/[ :]*$//; /^$/d' | sort -u >parts
	atf_check test "$(wc -l <parts)" -gt 50
	while read -r part; do
		grep -qF -- "$part" said || echo "$part"
	done <parts >missing
	atf_check cat missing
}

atf_test_case every_option_has_its_place_in_the_page
every_option_has_its_place_in_the_page_body() {
	sed -n 's/.*getopt(argc, argv, "\([^"]*\)").*/\1/p' \
	    "$top/parent/options.c" | tr -d : | fold -w 1 >options
	atf_check test -s options
	while read -r option; do
		atf_check -o ignore grep "^\.It Fl $option" \
		    "$top/man/dotproxy.8"
	done <options
}

atf_test_case every_capability_that_the_parent_keeps_is_in_the_page
every_capability_that_the_parent_keeps_is_in_the_page_body() {
	sed -n '/^} kept\[\]/,/^};/s/.*"\(CAP_[A-Z_]*\)".*/\1/p' \
	    "$top/dotproxy/sandbox.c" >kept
	atf_check test -s kept
	while read -r cap; do
		atf_check -o ignore grep "$cap" "$top/man/dotproxy.8"
	done <kept
}

atf_test_case every_word_of_the_language_has_its_place_in_the_page
every_word_of_the_language_has_its_place_in_the_page_body() {
	sed -n 's/^\tX("\([a-z0-9]*\)",.*/\1/p' \
	    "$top/parent/parse_keyword.h" >words
	atf_check test -s words
	# What stands behind Ic, up to the next macro.
	awk '/^\.It Ic / {
		for (i = 2; i <= NF; i++)
			if ($i ~ /^[A-Z][a-z]c?$|^Br[oqc]$/)
				word = $i == "Ic"
			else if (word)
				print $i
	}' "$top/man/dotproxy.conf.5" >places
	while read -r word; do
		grep -qx "$word" places || echo "$word"
	done <words >missing
	atf_check cat missing
}

atf_test_case every_setting_that_needs_a_restart_is_in_the_page
every_setting_that_needs_a_restart_is_in_the_page_body() {
	sed -n '/} fixed\[\]/,/};/s/.*{ "\(more \)\{0,1\}\([a-z ]*\)",.*/\2/p' \
	    "$top/parent/config.c" >settings
	atf_check test -s settings
	sed -n '/^A change of/,/needs a restart/p' \
	    "$top/man/dotproxy.conf.5" >page
	while read -r setting; do
		atf_check -o ignore grep -F "Ic $setting" page
	done <settings
}

# The tests of a time or a number mostly name its constant, and so pass with any.
atf_test_case every_figure_of_the_pages_is_the_programs
every_figure_of_the_pages_is_the_programs_head() {
	atf_set require.progs mandoc
}
every_figure_of_the_pages_is_the_programs_body() {
	for page in "$top"/man/*.[1-9]; do
		mandoc -T ascii -O width=500 "$page" | sed 's/.\x08//g'
	done | tr -s ' \n' ' ' >pages
	grep -v '^#' "$top/regress/package/figures" >figures
	atf_check test -s figures
	while read -r file name value words; do
		is=$(awk -v name="$name" '$1 == "#define" && $2 == name {
			sub(/^\(/, "", $3)
			print $3
		}' "$top/$file")
		[ "$is" = "$value" ] ||
		    echo "$file: $name is ${is:-nowhere}, but the pages: $words"
		grep -qF -- "$words" pages || echo "not in a page: $words"
	done <figures >wrong
	atf_check cat wrong
}

atf_init_test_cases() {
	atf_add_test_case the_pages_are_without_fault
	atf_add_test_case the_counters_of_the_page_are_those_of_the_table
	atf_add_test_case \
	    every_line_of_the_log_in_the_page_is_one_of_the_programs
	atf_add_test_case every_option_has_its_place_in_the_page
	atf_add_test_case \
	    every_capability_that_the_parent_keeps_is_in_the_page
	atf_add_test_case every_word_of_the_language_has_its_place_in_the_page
	atf_add_test_case every_setting_that_needs_a_restart_is_in_the_page
	atf_add_test_case every_figure_of_the_pages_is_the_programs
}
