#include "otp-portal/file_answer.h"

#include "engine/base/escape.h"
#include "engine/workflow/upload.h"
#include "otp-portal/page.h"

void file_answer_link(const struct prose *p, const struct field *field, size_t index, const struct upload *upload, struct buf *out) {
	struct request *r = p->r;
	struct str size = texts_size(r->language, upload->size, r->arena), here = p->here;
	struct str ask = arena_printf(r->arena, "%.*s.%zu", STR_ARG(field->name), index + 1);
	if (here.len > 0) {
		if (str_equal(request_query(r, "file"), ask))
			r->file_found = upload->id;
		buf_z(out, "<a class=\"file\" href=\"");
		escape_html(out, page_path(r, page_with(r, here, arena_printf(r->arena, "file=%.*s", STR_ARG(ask)))));
		buf_z(out, "\">");
	}
	escape_html(out, upload->name);
	buf_z(out, here.len > 0 ? "</a> (" : " (");
	escape_html(out, size);
	buf_char(out, ')');
}

/* RFC 6266 and RFC 8187: a plain name for old programs, the real one for others. */
static struct str disposition(struct arena *a, struct str name) {
	struct buf out;
	buf_init(&out, 4 * UPLOAD_NAME + 200);
	buf_z(&out, "attachment; filename=\"");
	escape_file_name(&out, name);
	buf_z(&out, "\"; filename*=UTF-8''");
	escape_url(&out, name);
	struct str text = arena_str(a, buf_text(&out));
	buf_free(&out);
	return text;
}

void file_answer_head(struct request *r, struct str name, struct response *out) {
	out->status = 200;
	out->policy = "sandbox; default-src 'none'";
	response_header(out, r, "Content-Disposition", disposition(r->arena, name));
}

static bool find(struct request *r, struct blob *blob, struct err *err) {
	struct view *v = store_view(r->world->options.store, err);
	if (!v)
		return false;
	bool ok = blob_info(v, r->file_found, r->arena, blob, err);
	view_close(v);
	return ok;
}

void file_answer(struct request *r, struct response *out) {
	struct blob blob;
	struct err err;
	struct str extension;
	/* A page of what is over shows its files too. */
	bool shown = out->status == 200 || (r->file_found != 0 && out->status != 303);
	if (r->method == METHOD_POST || request_query(r, "file").len == 0 || !shown)
		return;
	buf_clear(&out->body);
	if (r->file_found == 0) {
		page_not_found(r, out);
	} else if (!find(r, &blob, &err)) {
		page_failure(r, out, &err);
	} else {
		/* The type is our own table's, whatever the row says. */
		const char *type = upload_type(blob.name, &extension);
		out->type = type ? type : "application/octet-stream";
		out->blob_id = blob.id;
		out->blob_size = blob.size;
		file_answer_head(r, blob.name, out);
	}
}
