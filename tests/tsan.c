/* Part of the program in MODE=tsan alone. Pango finds fonts in a thread of its own and guards what it shares with GLib's locks, neither of which is built for the sanitizer: what these
 * libraries do is not ours to judge. Each child process asks for this, too; what is in the environment does not reach them. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void) {
	return "called_from_lib:libfontconfig.so\ncalled_from_lib:libglib-2.0.so\ncalled_from_lib:libpangoft2-1.0.so\n";
}
