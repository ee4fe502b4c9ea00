// Ends the program with the library's message when a call fails.
#ifndef CHECK_H
#define CHECK_H

#include <alula.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                                                   \
  do {                                                                                \
    if ((call) != ALULA_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, alula_last_error());         \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

#endif
