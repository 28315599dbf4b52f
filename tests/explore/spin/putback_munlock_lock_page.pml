/* lock_page: a page goes back to the LRU while it is munlocked. */
#define CPUS 2
#define PAGES 1
#define FLAGS { ANON_PAGE_MLOCKED }
#define COUNT { 2 }
#define MAPPING { ANON }
#define WHERE { NOWHERE }
#define NR_MLOCK 1
#include "kernel.h"

active proctype reclaim() {
  REGISTERS;
  cull_unevictable_page(a, 0, 0, DONE);
  THE_END
}

active proctype munlock() {
  REGISTERS;
  munlock_pte_old(a, 1, 0, DONE);
  THE_END
}
