# The systemd unit, as far as it can be judged without a systemd that runs.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")
unit=$top/contrib/systemd/dotproxy.service

atf_test_case the_exposure_is_1_6_or_better
the_exposure_is_1_6_or_better_head() {
	atf_set require.progs systemd-analyze
}
the_exposure_is_1_6_or_better_body() {
	atf_check -o save:judged -e ignore systemd-analyze security \
	    --no-pager --offline=true --threshold=16 "$unit"
	grep 'Overall exposure' judged
}

atf_test_case the_unit_is_without_fault
the_unit_is_without_fault_head() {
	atf_set require.progs systemd-analyze
}
# The programs are not installed here, and there may be no man.
the_unit_is_without_fault_body() {
	sed -e "s,/usr/local/sbin/dotproxy,/bin/true," \
	    -e '/^Documentation=/d' "$unit" >dotproxy.service
	mkdir home
	HOME=$PWD/home atf_check systemd-analyze verify ./dotproxy.service
}

atf_init_test_cases() {
	atf_add_test_case the_exposure_is_1_6_or_better
	atf_add_test_case the_unit_is_without_fault
}
