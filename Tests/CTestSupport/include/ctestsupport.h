// What tests need of C: Swift does not import fork.
#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdbool.h>

/// Whether `body` returns true in a forked child, which has ten seconds for it.
bool ctestsupport_succeeds_in_child(bool (*body)(void));

#endif
