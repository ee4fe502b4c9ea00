#ifndef ALULA_H
#define ALULA_H
#include <stdint.h>
typedef enum { ALULA_OK = 0, ALULA_ERROR = 1 } alula_status;
#ifdef __cplusplus
extern "C" {
#endif
alula_status alula_probe(int32_t *out);
#ifdef __cplusplus
}
#endif
#endif
