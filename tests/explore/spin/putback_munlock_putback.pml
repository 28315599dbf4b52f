/* redo: a page goes back to the LRU while it is munlocked, and another page goes back; both pagevecs are drained. */
#define CPUS 3
#define PAGES 2
#define FLAGS { ANON_PAGE_MLOCKED, ANON_PAGE_MLOCKED }
#define COUNT { 2, 2 }
#define MAPPING { ANON, ANON }
#define WHERE { NOWHERE, NOWHERE }
#define NR_MLOCK 2
#include "kernel.h"

active proctype reclaim() {
  REGISTERS;
  putback_lru_page_redo(a, 0, 0, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 0, DONE);
  THE_END
}

active proctype munlock() {
  REGISTERS;
  munlock_pte_redo(a, 1, 0, DONE);
  THE_END
}

active proctype other() {
  REGISTERS;
  putback_lru_page_redo(a, 2, 1, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 2, DONE);
  THE_END
}
