/* redo: two CPUs munlock a page that is on the unevictable list. */
#define CPUS 2
#define PAGES 1
#define FLAGS { ANON_PAGE_CULLED }
#define COUNT { 1 }
#define MAPPING { ANON }
#define WHERE { LRU_UNEVICTABLE }
#define NR_MLOCK 1
#define LISTS_AT_START { 0, 0, 0, 0, 1, 0 }
#include "kernel.h"

active proctype first() {
  REGISTERS;
  munlock_pte_redo(a, 0, 0, DONE);
  THE_END
}

active proctype second() {
  REGISTERS;
  munlock_pte_redo(a, 1, 0, DONE);
  THE_END
}
