/* redo: a page goes back to the LRU while it is munlocked and mlocked again. */
#define CPUS 3
#define PAGES 1
#define FLAGS { ANON_PAGE_MLOCKED }
#define COUNT { 3 }
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

active proctype mlock() {
  REGISTERS;
  mlock_vma_page_redo(a, 2, 0, b_put);
  put_page(b, 2, 0, DONE);
  THE_END
}
