/* unlock_page() that looks for waiters before it clears the bit: a sleeper is left. */
#define PEEK_FIRST
#define CPUS 3
#define PAGES 1
#define FLAGS { ANON_PAGE_ON_LRU }
#define COUNT { 1 }
#define MAPPING { ANON }
#define WHERE { 0 }
#define NR_MLOCK 0
#define LISTS_AT_START { 1, 0, 0, 0, 0, 0 }
#include "kernel.h"

active proctype first() {
  REGISTERS;
  lock_page(a, 0, 0, b_clear);
  unlock_page(b, 0, 0, DONE);
  THE_END
}

active proctype second() {
  REGISTERS;
  lock_page(a, 1, 0, b_clear);
  unlock_page(b, 1, 0, DONE);
  THE_END
}

active proctype third() {
  REGISTERS;
  lock_page(a, 2, 0, b_clear);
  unlock_page(b, 2, 0, DONE);
  THE_END
}
