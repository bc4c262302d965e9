#include "mailer/gateway_data.h"

/* The paths are relative to the repository's root, where the compiler runs. */
__asm__(".pushsection .rodata\n"
        "gateway_gatewayapi_begin: .incbin \"gateways/gatewayapi.yaml\"\n"
        "gateway_gatewayapi_end:\n"
        "gateway_kannel_begin: .incbin \"gateways/kannel.yaml\"\n"
        "gateway_kannel_end:\n"
        ".global gateway_gatewayapi_begin, gateway_gatewayapi_end, gateway_kannel_begin, gateway_kannel_end\n"
        ".popsection\n");

extern const char gateway_gatewayapi_begin[], gateway_gatewayapi_end[], gateway_kannel_begin[], gateway_kannel_end[];

bool gateway_file_at(size_t index, struct gateway_file *out) {
	const struct gateway_file files[] = {
	        {"gatewayapi", "gateways/gatewayapi.yaml", {gateway_gatewayapi_begin, (size_t)(gateway_gatewayapi_end - gateway_gatewayapi_begin)}},
	        {"kannel", "gateways/kannel.yaml", {gateway_kannel_begin, (size_t)(gateway_kannel_end - gateway_kannel_begin)}},
	};
	if (index >= sizeof files / sizeof *files)
		return false;
	*out = files[index];
	return true;
}
