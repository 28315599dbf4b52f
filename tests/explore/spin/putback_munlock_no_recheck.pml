/* redo without the look after the page is on the list: the page can be stranded. */
#define NO_RECHECK
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
  putback_lru_page_redo(a, 0, 0, DONE);
  THE_END
}

active proctype munlock() {
  REGISTERS;
  munlock_pte_redo(a, 1, 0, DONE);
  THE_END
}
