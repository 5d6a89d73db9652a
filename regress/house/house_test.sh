# The rules of the house that can be read off its sources: which folder may
# know which, and which functions nobody calls.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")

# The sources of the programs in $1; the tests may know them all.
sources() {
	(cd "$1" && find dotproxy priv parent unpriv dotproxyctl \
	    -name '*.[chy]' 2>/dev/null | sort)
}

# Each include of one's own that DESIGN.md's arrows do not allow, in $1.
wrong_arrows() {
	# shellcheck disable=SC2016 # awk is to expand these
	sources "$1" | (cd "$1" && xargs awk '
	FNR == 1 {
		own = FILENAME
		sub("/[^/]*$", "", own)
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		folder = part[2]
		if (!sub("/[^/]*$", "", folder))
			next
		if (folder == "dotproxy" && own != "dotproxy")
			next
		if (folder == "priv" && own == "parent")
			next
		if (folder == "unpriv/dns" &&
		    (own == "unpriv/worker" || own == "unpriv/tls" ||
		    own == "unpriv/socks"))
			next
		print FILENAME ": " part[2]
	}')
}

# Each include of one's own that lies nowhere, in $1.
lost_includes() {
	sources "$1" | (cd "$1" && xargs \
	    grep -H '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*"' |
	while IFS=: read -r file line; do
		named=${line#*\"}
		named=${named%\"*}
		case $named in
		*/*)	[ -f "$named" ] ;;
		*)	[ -f "${file%/*}/$named" ] ;;
		esac || echo "$file: $named"
	done)
}

# Each system header that matches $1, in the folders that follow.
system_headers() {
	what=$1
	shift
	(cd "$top" && grep -rnE --include='*.[chy]' \
	    "^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*<($what)>" "$@")
}

# Calls that cannot say how much room there is, that take rubbish for 0, that
# start a shell or ask a resolver.
unsafe='stpcpy|strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets'
unsafe="$unsafe|atoi|atol|atoll|atof|scanf|fscanf|sscanf|strtok"
unsafe="$unsafe|system|popen|tmpnam|tempnam|mktemp|alloca|rand|srand|random"
unsafe="$unsafe|getaddrinfo|gethostbyname|inet_addr|inet_aton|inet_ntoa"
unsafe="$unsafe|setjmp|longjmp|execlp|execvp"

unsafe_calls() {
	sources "$1" | (cd "$1" || exit 1
	    xargs grep -nE "(^|[^[:alnum:]_.>])($unsafe)[[:blank:]]*\(")
}

atf_test_case no_include_runs_against_the_arrows
no_include_runs_against_the_arrows_body() {
	sources "$top" >known
	atf_check -o ignore grep -x 'unpriv/dns/reader.h' known
	wrong_arrows "$top" >found
	atf_check cat found
	lost_includes "$top" >found
	atf_check cat found
}

atf_test_case an_include_against_the_arrows_is_found
an_include_against_the_arrows_is_found_body() {
	folders='dotproxy priv parent unpriv/dns unpriv/tls unpriv/worker
	    unpriv/socks dotproxyctl'
	for folder in $folders; do
		mkdir -p "$folder"
		touch "$folder/own.h"
		for other in $folders; do
			echo "#include \"$other/own.h\""
		done >"$folder/a.c"
		printf '#include "own.h"\n#  include "gone.h"\n' \
			>>"$folder/a.c"
	done
	wrong_arrows . >found
	for allowed in 'parent/a.c: dotproxy/own.h' \
	    'parent/a.c: priv/own.h' \
	    'priv/a.c: dotproxy/own.h' \
	    'dotproxyctl/a.c: dotproxy/own.h' \
	    'unpriv/dns/a.c: dotproxy/own.h' \
	    'unpriv/worker/a.c: dotproxy/own.h' \
	    'unpriv/worker/a.c: unpriv/dns/own.h' \
	    'unpriv/socks/a.c: dotproxy/own.h' \
	    'unpriv/socks/a.c: unpriv/dns/own.h' \
	    'unpriv/tls/a.c: dotproxy/own.h' \
	    'unpriv/tls/a.c: unpriv/dns/own.h'; do
		atf_check -s exit:1 grep -xF "$allowed" found
	done
	# All others of the 64: a folder names its own headers without it.
	atf_check -o inline:'53\n' grep -c . found
	lost_includes . >lost
	atf_check -o inline:'8\n' grep -c 'gone.h' lost
	atf_check -o inline:'8\n' grep -c . lost
}

atf_test_case only_the_tls_process_knows_a_tls_library
only_the_tls_process_knows_a_tls_library_body() {
	system_headers 'openssl/.*|tls\.h' unpriv/tls >found
	atf_check test -s found
	system_headers 'openssl/.*|tls\.h' dotproxy priv parent unpriv/dns \
		unpriv/socks unpriv/worker >found
	atf_check cat found
}

atf_test_case messages_are_read_without_io_clock_or_allocation
messages_are_read_without_io_clock_or_allocation_body() {
	system_headers 'string\.h' unpriv/dns >found
	atf_check test -s found
	system_headers '(stdlib|malloc|unistd|fcntl|time|poll|sys/.*)\.h' \
		unpriv/dns >found
	atf_check cat found
}

atf_test_case nobody_calls_what_cannot_be_called_safely
nobody_calls_what_cannot_be_called_safely_body() {
	unsafe_calls "$top" >found
	atf_check cat found
}

atf_test_case an_unsafe_call_is_found
an_unsafe_call_is_found_body() {
	mkdir parent
	{
		echo 'x = (char *)strcpy(a, b);'
		echo '	strcat (a, b);'
		echo 'return atoi(s);'
		echo 'my_strcpy(a); ops->random(a); snprintf(a, n, "x"); strcpys(a);'
	} >parent/a.c
	unsafe_calls . >found
	atf_check -o inline:'3\n' grep -c . found
}

# Lines of code: what is neither blank nor comment, an #include, or the
# prototype of a function that follows in the same file.
lines_of_code() {
	cat "$@" | sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' |
	    awk '/^[[:space:]]*$/ || /^#include/ { next }
		/^static .*\(/ && !/=/ { prototype = 1 }
		prototype { if (/;$/) prototype = 0; next }
		{ n++ } END { print n + 0 }'
}

atf_test_case the_parent_without_its_grammar_is_below_1000_lines
the_parent_without_its_grammar_is_below_1000_lines_body() {
	printf '%s\n' '/* one' ' * two */' '#include <a.h>' \
	    'static int f(int,' '    int);' '' 'int' 'f(void)' '{' '}' >a.c
	[ "$(lines_of_code a.c)" -eq 4 ] || atf_fail "they are not counted"
	# The grammar: the language, its defaults, the files it names, and the
	# command line.
	for file in "$top"/parent/*.c; do
		case ${file##*/} in
		builtin.c | config.c | config_ca.c | config_local.c | \
		    config_trust.c | name.c | options.c | parse_*.c | pin.c | print.c)
			;;
		trial.c)
			# What -t does: it runs for whoever types it, beside
			# any dotproxy, serves nobody, and ends; so it has a
			# bound of its own.
			lines=$(lines_of_code "$file")
			[ "$lines" -lt 200 ] || atf_fail "-t has $lines"
			;;
		*)
			cat "$file" >>parent.c
			;;
		esac
	done
	lines=$(lines_of_code parent.c)
	[ "$lines" -gt 500 ] || atf_fail "the parent is not here"
	[ "$lines" -lt 1000 ] || atf_fail "it has $lines"
}

# What of dotproxy/ no child is built from, in $1: the headers that neither they
# include nor what they include does.
parent_headers() {
	(cd "$1" || exit 1
	reached=$(grep -rhoE --include='*.[ch]' '"dotproxy/[a-z0-9_]+\.h"' \
	    unpriv | tr -d '"' | sort -u)
	while :; do
		more=$(for h in $reached; do
			cat "$h" "${h%.h}.c" 2>/dev/null
		done | sed -n 's|^#include "\([a-z0-9_]*\.h\)"$|dotproxy/\1|p')
		more=$(printf '%s\n' "$reached" "$more" | sort -u)
		[ "$more" != "$reached" ] || break
		reached=$more
	done
	for h in dotproxy/*.h; do
		echo "$reached" | grep -qxF "$h" || echo "$h"
	done)
}

atf_test_case what_the_parent_alone_uses_is_not_in_the_shared_folder
what_the_parent_alone_uses_is_not_in_the_shared_folder_body() {
	parent_headers "$top" >found
	atf_check cat found
	mkdir -p dotproxy unpriv/dns
	touch dotproxy/used.h dotproxy/within.h dotproxy/unused.h
	echo '#include "within.h"' >dotproxy/used.h
	echo '#include "dotproxy/used.h"' >unpriv/dns/a.c
	parent_headers . >found
	atf_check -o inline:'dotproxy/unused.h\n' cat found
}

# It is as privileged there as in its own folder.
atf_test_case what_the_parent_does_elsewhere_is_below_1100_lines
what_the_parent_does_elsewhere_is_below_1100_lines_body() {
	# The last three are declared with what others use as well.
	cat "$top"/priv/*.c "$top"/dotproxy/ipc_trial.c \
	    "$top"/dotproxy/sandbox_layers.c "$top"/dotproxy/sandbox_user.c \
	    >priv.c
	lines=$(lines_of_code priv.c)
	[ "$lines" -gt 500 ] || atf_fail "it is not here"
	[ "$lines" -lt 1100 ] || atf_fail "it has $lines"
}

atf_test_case each_counter_is_counted_somewhere
each_counter_is_counted_somewhere_body() {
	sed -n 's/^\tX(\([a-z_]*\),.*/\1/p' "$top/dotproxy/counter.h" |
	    sort >named
	atf_check test -s named
	sources "$top" | (cd "$top" && xargs cat) | tr -s '[:space:]' ' ' |
	    grep -oE 'counter_(inc|add)\( ?[a-z_]+[,)]' |
	    sed 's/.*( *//; s/[,)]//' | grep -vx name | sort -u >counted
	atf_check diff named counted
}

atf_test_case every_package_that_is_installed_is_in_the_readme
every_package_that_is_installed_is_in_the_readme_body() {
	sed -n '/^build="/,/^$/s/["\]/ /gp' "$top/build/setup" |
	    tr -s ' ' '\n' | grep -v '[=$]' | sort -u >packages
	atf_check -o ignore grep -x libtls-dev packages
	while read -r package; do
		grep -qF "\`$package\`" "$top/README.md" || echo "$package"
	done <packages >missing
	atf_check cat missing
}

# Tests of shell below $1 that nobody adds to those that are run. (Of C's clang
# tells.)
forgotten_tests() {
	(cd "$1" && find . -name '*_test.sh') | while read -r file; do
		tr -s ' \t\n\134' ' ' <"$1/$file" >flat
		sed -n 's/^\(as=[a-z]* \)\{0,1\}\(atf_test_case\|testcase\) //p' \
		    "$1/$file" | sed 's/ .*//' | sort -u >written
		grep -oE 'atf_add_test_case [a-z0-9_]+' flat |
		    sed 's/.* //' | sort -u >added
		comm -23 written added | sed "s|^|$file: |"
	done
}

atf_test_case each_test_that_is_written_is_run
each_test_that_is_written_is_run_body() {
	mkdir regress
	{
		printf 'atf_test_case one cleanup\ntestcase three 40\n'
		printf 'as=user testcase two \134\n    40 ss\n'
		printf 'atf_add_test_case \134\n    one\n'
	} >regress/a_test.sh
	forgotten_tests regress >found
	atf_check -o inline:'./a_test.sh: three\n./a_test.sh: two\n' cat found
	forgotten_tests "$top/regress" >found
	atf_check cat found
}

atf_init_test_cases() {
	atf_add_test_case each_test_that_is_written_is_run
	atf_add_test_case no_include_runs_against_the_arrows
	atf_add_test_case an_include_against_the_arrows_is_found
	atf_add_test_case only_the_tls_process_knows_a_tls_library
	atf_add_test_case messages_are_read_without_io_clock_or_allocation
	atf_add_test_case nobody_calls_what_cannot_be_called_safely
	atf_add_test_case an_unsafe_call_is_found
	atf_add_test_case the_parent_without_its_grammar_is_below_1000_lines
	atf_add_test_case every_package_that_is_installed_is_in_the_readme
	atf_add_test_case each_counter_is_counted_somewhere
	atf_add_test_case what_the_parent_alone_uses_is_not_in_the_shared_folder
	atf_add_test_case what_the_parent_does_elsewhere_is_below_1100_lines
}
