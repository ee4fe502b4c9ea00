#include <sys/wait.h>
#include <unistd.h>

#include "ctestsupport.h"

bool ctestsupport_succeeds_in_child(bool (*body)(void)) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
