/* The child: limits, order, blocks, paper, answer. Standard input is the order, standard output a file for the PDF, or for the reason why there is
 * none; exit status 0 or 1. */
#include "document/catalog.h"
#include "document/order.h"
#include "document/paper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEMORY_MB = 512, PROCESSOR_S = 20, FILES = 64 };

/* Never more than whoever started us was allowed. */
static bool limit(int what, rlim_t most) {
	struct rlimit now;
	if (getrlimit((__rlimit_resource_t)what, &now) != 0)
		return false;
	rlim_t least = now.rlim_max < most ? now.rlim_max : most;
	return setrlimit((__rlimit_resource_t)what, &(struct rlimit){least, least}) == 0;
}

/* A sanitizer's shadow is terabytes of address space. */
static bool limit_memory(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return limit(RLIMIT_AS, (rlim_t)MEMORY_MB << 20);
#endif
}

static bool limit_all(void) {
	signal(SIGXFSZ, SIG_IGN);
	return limit_memory() && limit(RLIMIT_CPU, PROCESSOR_S) && limit(RLIMIT_FSIZE, DOCUMENT_BYTES) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, FILES) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

static bool read_all(struct arena *a, struct str *out) {
	struct stat info;
	size_t len = 0;
	if (fstat(STDIN_FILENO, &info) != 0 || info.st_size <= 0 || info.st_size > 4 * DOCUMENT_TEXT)
		return false;
	char *bytes = arena_alloc(a, (size_t)info.st_size);
	for (ssize_t got; len < (size_t)info.st_size; len += (size_t)got)
		if ((got = pread(STDIN_FILENO, bytes + len, (size_t)info.st_size - len, (off_t)len)) <= 0)
			return false;
	*out = (struct str){bytes, len};
	return true;
}

static bool write_all(struct str bytes) {
	while (bytes.len > 0) {
		ssize_t put = write(STDOUT_FILENO, bytes.at, bytes.len);
		if (put <= 0)
			return false;
		bytes = (struct str){bytes.at + put, bytes.len - (size_t)put};
	}
	return true;
}

static bool make(struct arena *a, struct buf *pdf, struct err *err) {
	struct document_layout layout;
	struct str bytes, markdown;
	if (!limit_all())
		return err_set(err, ERR_PERMANENT, "error.internal", "the limits of the child process cannot be set");
	if (!read_all(a, &bytes) || !order_read(bytes, &markdown, &layout))
		return err_set(err, ERR_PERMANENT, "error.internal", "this command is only for Stafet itself");
	const struct block *blocks = blocks_make(a, markdown, &layout, err);
	return blocks && paper_draw(a, blocks, &layout, pdf, err) && catalog_complete(pdf, layout.language, err);
}

int document_child(void) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct buf pdf;
	buf_init(&pdf, DOCUMENT_BYTES);
	bool ok = make(a, &pdf, &err);
	if (ok && !write_all(buf_text(&pdf))) {
		ok = err_set(&err, ERR_PERMANENT, "error.internal", "it cannot be written: %s", strerrordesc_np(errno));
		if (ftruncate(STDOUT_FILENO, 0) != 0 || lseek(STDOUT_FILENO, 0, SEEK_SET) != 0)
			_exit(3);
	}
	if (!ok)
		write_all(str_from(err.text));
	/* Nothing is given back in order: the fonts' libraries leave threads and memory behind. */
	_exit(ok ? 0 : err.kind == ERR_INPUT ? 1 : 2);
}
