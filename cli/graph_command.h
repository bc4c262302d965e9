/* graph_command: the half of `stafet graph` that needs the store. */
#ifndef CLI_GRAPH_COMMAND_H
#define CLI_GRAPH_COMMAND_H

#include "cli/command.h"

int command_graph_instance(struct open_site *s, struct arguments *args, struct str input, struct buf *out);

#endif
