/* redo: two pages go back to the LRU while they are munlocked and mlocked again: the largest model. */
#define CPUS 4
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
  lru_add_drain(b, 0, c_pte);
  munlock_pte_redo(c, 0, 1, DONE);
  THE_END
}

active proctype munlock() {
  REGISTERS;
  munlock_pte_redo(a, 1, 0, c_start);
  mlock_vma_page_redo(c, 1, 0, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 1, DONE);
  THE_END
}

active proctype other_reclaim() {
  REGISTERS;
  putback_lru_page_redo(a, 2, 1, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 2, DONE);
  THE_END
}

active proctype other_munlock() {
  REGISTERS;
  munlock_pte_redo(a, 3, 1, c_start);
  mlock_vma_page_redo(c, 3, 1, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 3, DONE);
  THE_END
}
