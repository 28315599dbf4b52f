/* redo: mlock without the page lock while the file is truncated: the page is freed mlocked (R3). */
#define CPUS 2
#define PAGES 1
#define FLAGS { FILE_PAGE_ON_LRU }
#define COUNT { 4 }
#define MAPPING { FILE }
#define WHERE { 2 }
#define NR_MLOCK 0
#define LISTS_AT_START { 0, 0, 1, 0, 0, 0 }
#include "kernel.h"

active proctype mlock() {
  REGISTERS;
  mlock_vma_page_redo(a, 0, 0, b_put);
  put_page(b, 0, 0, DONE);
  THE_END
}

active proctype truncate() {
  REGISTERS;
  lock_page(a, 1, 0, b_mapped);
  truncate_locked_page(b, 1, 0, c_clear);
  unlock_page(c, 1, 0, d_put);
  put_page(d, 1, 0, DONE);
  THE_END
}
