#include <string.h>

#include "csupport.h"

static _Thread_local char message[1024];
// Few bytes, so that they fit where a library loaded late may still have static thread-local storage:
// one instruction instead of a call for every look.
static _Thread_local __attribute__((tls_model("initial-exec"))) csupport_thread state;

void csupport_set_error(int32_t status, const char *text) {
  state.last_status = status;
  size_t length = strlen(text);
  if (length >= sizeof message) {
    length = sizeof message - 1;
    // Never cut inside a UTF-8 sequence.
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  }
  memcpy(message, text, length);
  message[length] = 0;
}

const char *csupport_last_error(void) { return message; }

csupport_thread *csupport_current_thread(void) { return &state; }
