/* redo: two CPUs put back a page each, and drain their pagevecs. */
#define CPUS 2
#define PAGES 2
#define FLAGS { ANON_PAGE, ANON_PAGE }
#define COUNT { 2, 2 }
#define MAPPING { ANON, ANON }
#define WHERE { NOWHERE, NOWHERE }
#define NR_MLOCK 0
#include "kernel.h"

active proctype first() {
  REGISTERS;
  putback_lru_page_redo(a, 0, 0, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 0, DONE);
  THE_END
}

active proctype second() {
  REGISTERS;
  putback_lru_page_redo(a, 1, 1, drain);
  atomic { false; drain: n = 0; goto b_from };
  lru_add_drain(b, 1, DONE);
  THE_END
}
