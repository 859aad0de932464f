#ifndef FRACTAL_CLIBPQ_SHIM_H
#define FRACTAL_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <pthread.h>

/* Declared by glibc for _GNU_SOURCE only, which Swift's importer does not set. */
extern int pthread_setname_np(pthread_t thread, const char *name);

static inline int fractal_name_this_thread(const char *name) {
  return pthread_setname_np(pthread_self(), name);
}

#endif
