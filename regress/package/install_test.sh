# make install and make uninstall, into a folder of the test's own. The
# programs are those already built; nothing is built again.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")

# A build folder of ours that make takes for up to date: `-o` keeps it from
# looking; and ./mk, which calls make with it.
build_folder() {
	mkdir obj
	for program in dotproxy dotproxy-worker dotproxy-tls dotproxy-socks; do
		cp "$(atf_get_srcdir)/../../$program" obj
	done
	cat >mk <<-MK
	#!/bin/sh
	unset MAKEFLAGS MFLAGS PREFIX OBJ
	exec make -s --no-print-directory -C "$top" -o programs \
	    OBJ="$PWD/obj" DESTDIR="$PWD/dest" "\$@"
	MK
	chmod +x mk
}

files() { (cd dest && find . ! -type d | sort); }

atf_test_case what_is_installed_is_where_it_is_looked_for
what_is_installed_is_where_it_is_looked_for_body() {
	build_folder
	atf_check ./mk install
	cat >expected <<-FILES
	./usr/local/etc/dotproxy.conf
	./usr/local/lib/systemd/system/dotproxy.service
	./usr/local/lib/sysusers.d/dotproxy.conf
	./usr/local/lib/tmpfiles.d/dotproxy.conf
	./usr/local/libexec/dotproxy/dotproxy-socks
	./usr/local/libexec/dotproxy/dotproxy-tls
	./usr/local/libexec/dotproxy/dotproxy-worker
	./usr/local/sbin/dotproxy
	./usr/local/share/man/man5/dotproxy.conf.5
	./usr/local/share/man/man8/dotproxy.8
	FILES
	files >installed
	atf_check diff -u expected installed
	atf_check -e match:OK dest/usr/local/sbin/dotproxy -n \
	    -f dest/usr/local/etc/dotproxy.conf
}

atf_test_case uninstall_leaves_nothing_that_install_brought
uninstall_leaves_nothing_that_install_brought_body() {
	build_folder
	atf_check ./mk install
	atf_check ./mk uninstall
	atf_check find dest ! -type d
	atf_check test ! -e dest/usr/local/libexec/dotproxy
}

atf_test_case a_changed_config_outlives_install_and_uninstall
a_changed_config_outlives_install_and_uninstall_body() {
	build_folder
	mkdir -p dest/usr/local/etc
	echo 'workers 3' >dest/usr/local/etc/dotproxy.conf
	atf_check -o match:'stays' ./mk install
	atf_check -o inline:'workers 3\n' cat dest/usr/local/etc/dotproxy.conf
	atf_check -o match:'was changed and stays' ./mk uninstall
	atf_check -o inline:'dest/usr/local/etc/dotproxy.conf\n' \
	    find dest ! -type d
}

atf_test_case what_the_files_say_follows_the_prefix
what_the_files_say_follows_the_prefix_body() {
	build_folder
	atf_check ./mk install PREFIX=/usr
	atf_check -o match:'^ExecStart=/usr/sbin/dotproxy -d -f /etc/dotproxy' \
	    cat dest/usr/lib/systemd/system/dotproxy.service
	atf_check -s exit:1 grep -r /usr/local dest/usr/lib dest/usr/share
	atf_check ./mk uninstall PREFIX=/usr
	atf_check find dest ! -type d
}

atf_init_test_cases() {
	atf_add_test_case what_is_installed_is_where_it_is_looked_for
	atf_add_test_case uninstall_leaves_nothing_that_install_brought
	atf_add_test_case a_changed_config_outlives_install_and_uninstall
	atf_add_test_case what_the_files_say_follows_the_prefix
}
