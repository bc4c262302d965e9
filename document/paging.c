#include "document/paging.h"

struct pen {
	const struct page_frame *frame;
	size_t page;
	double y;
	bool top; /* nothing stands on this page yet */
};

static void turn(struct pen *pen) {
	pen->page++;
	pen->y = pen->frame->top;
	pen->top = true;
}

static double room_needed(const struct strip *s, bool top) {
	return (top ? s->head : s->gap) + s->height;
}

static bool fits(const struct pen *pen, double height) {
	return pen->y + height <= pen->frame->bottom + 0.01;
}

static void put(struct pen *pen, struct strip *s) {
	if (!pen->top && !fits(pen, room_needed(s, false)))
		turn(pen);
	pen->y += room_needed(s, pen->top);
	s->page = pen->page;
	s->y = pen->y - s->height;
	pen->top = false;
}

static double chain_height(const struct strip *strips, size_t from, size_t to, bool top) {
	double height = room_needed(&strips[from], top);
	for (size_t i = from + 1; i < to; i++)
		height += room_needed(&strips[i], false);
	return height;
}

size_t paging_place(struct strip *strips, size_t count, const struct page_frame *frame) {
	struct pen pen = {frame, 0, frame->first_top, true};
	double whole = frame->bottom - frame->top;
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && strips[to - 1].keep; to++)
			;
		bool moves = !pen.top && !fits(&pen, chain_height(strips, from, to, false));
		if (moves && chain_height(strips, from, to, true) <= whole + 0.01)
			turn(&pen);
		for (size_t i = from; i < to; i++)
			put(&pen, &strips[i]);
	}
	return pen.page + 1;
}

bool paging_keep(size_t i, size_t n) {
	return i + 1 < n && (n <= 3 || i == 0 || i == n - 2);
}

static double sum(const double *widths, size_t count) {
	double total = 0;
	for (size_t i = 0; i < count; i++)
		total += widths[i];
	return total;
}

void paging_columns(const double *least, const double *natural, size_t count, double width, double *out) {
	double words = sum(least, count), lines = sum(natural, count);
	for (size_t i = 0; i < count; i++) {
		if (lines <= width)
			out[i] = natural[i];
		else if (words < width && lines > words)
			out[i] = least[i] + (width - words) * (natural[i] - least[i]) / (lines - words);
		else
			out[i] = words > 0 ? width * least[i] / words : width / (double)count;
	}
}
