/* What the paths of kernel.h work on, and what a model tells of it. */

#define LOCKED 1
#define UPTODATE 2
#define DIRTY 4
#define LRU 8
#define ACTIVE 16
#define UNEVICTABLE 32
#define MLOCKED 64
#define SWAPBACKED 128

/* What a list of initial values must have as one number. */
#define ANON_PAGE 130         /* UPTODATE | SWAPBACKED */
#define ANON_PAGE_MLOCKED 194 /* UPTODATE | SWAPBACKED | MLOCKED */
#define ANON_PAGE_CULLED 234  /* UPTODATE | SWAPBACKED | MLOCKED | LRU | UNEVICTABLE */
#define ANON_PAGE_ON_LRU 138  /* UPTODATE | SWAPBACKED | LRU */
#define FILE_PAGE_ON_LRU 10   /* UPTODATE | LRU */

#define ANON 1
#define FILE 2

#define LISTS 5
#define LRU_UNEVICTABLE 4
#define FREE 5
#define NOWHERE 7

#ifndef LISTS_AT_START
#define LISTS_AT_START { 0, 0, 0, 0, 0, 0 }
#endif

/* Memory. A list, a pagevec of two and the wait queue are numbers: the first entry is the last digit. */
byte flags[PAGES] = FLAGS;
byte count[PAGES] = COUNT;
byte mapping[PAGES] = MAPPING;
byte mapcount[PAGES] = 1, pte[PAGES] = 1;
byte where[PAGES] = WHERE;
byte list[LISTS + 1] = LISTS_AT_START;
byte pagevec[CPUS * 4];
byte lru_lock, nr_mlock = NR_MLOCK;
byte bucket_lock, queue, waits[CPUS];
bit woken[CPUS];
hidden byte waiter;
byte finished;

#define BASE (PAGES + 1)
#define PV_COUNT(v) ((v) == 0 -> 0 : ((v) < BASE -> 1 : 2))
#define PV_PAGE(v, i) ((i) == 0 -> (v) % BASE - 1 : (v) / BASE - 1)
#define PV_PUSH(v, p) v = v + ((v) == 0 -> (p) + 1 : ((p) + 1) * BASE)
#define HAS(p, f) ((flags[p] & (f)) != 0)
#define HAS_NOT(p, f) ((flags[p] & (f)) == 0)
#define SET(p, f) flags[p] = flags[p] | (f)
#define CLEAR(p, f) flags[p] = flags[p] & (255 - (f))

/* Linking at the head, and unlinking from wherever it is: at most two pages are on a list. */
#define LINK(p, l) list[l] = (p) + 1 + BASE * list[l]; where[p] = l
#define UNLINK(p) \
  list[where[p]] = (list[where[p]] % BASE == (p) + 1 -> list[where[p]] / BASE : list[where[p]] % BASE); \
  where[p] = NOWHERE

c_decl { static int told[16]; }
#define VIOLATION(n, name) c_code { if (!told[n]) { told[n] = 1; printf("violation: " name "\n"); } }
#define VM_BUG_ON(p, f) \
  if :: HAS(p, f) -> VIOLATION(0, "vm_bug_on") :: HAS_NOT(p, f) -> skip fi
#define VM_BUG_ON_NOT(p, f) \
  if :: HAS_NOT(p, f) -> VIOLATION(0, "vm_bug_on") :: HAS(p, f) -> skip fi
/* put_page_testzero(): to LAST with the last reference, else to NEXT; a count of 0 stays. */
#define PUT(p, LAST, NEXT) \
  if :: count[p] == 0 -> VIOLATION(1, "count_below_zero"); count[p] = 0; goto NEXT \
     :: count[p] == 1 -> count[p] = 0; goto LAST \
     :: count[p] > 1 -> count[p]--; goto NEXT fi

/* free_hot_cold_page(): bad_page()'s checks, then to the head of the free list. */
#define FREE_PAGE(p) \
  if :: HAS(p, ACTIVE | UNEVICTABLE | LRU) || mapcount[p] || count[p] || (mapping[p] == FILE) -> \
        VIOLATION(2, "freed_in_use") \
     :: HAS_NOT(p, ACTIVE | UNEVICTABLE | LRU) && !mapcount[p] && !count[p] && (mapping[p] != FILE) -> \
        if :: HAS(p, LOCKED) -> VIOLATION(3, "freed_locked") :: HAS_NOT(p, LOCKED) -> skip fi \
  fi; \
  if :: HAS(p, MLOCKED) -> VIOLATION(4, "freed_mlocked") :: HAS_NOT(p, MLOCKED) -> skip fi; \
  flags[p] = 0; mapping[p] = 0; LINK(p, FREE)

/* What a CPU keeps on its own between two steps; 0 whenever nobody will look at it again. */
#define REGISTERS byte lru, n, i, freeing; bit was, cached, held

/* The end of a CPU's script; the last one tells the state that is left. */
#define THE_END \
  atomic { false; \
DONE:   if :: finished == CPUS - 1 -> TELL :: finished < CPUS - 1 -> skip fi; \
        finished++ }; \
end:    false

#define TELL \
  c_code { \
    int p, c, mlocked = 0; \
    printf("final:"); \
    for (p = 0; p < PAGES; p++) { \
      printf(" page=%d,%d,%d,%d,%d", now.flags[p], now.count[p], now.mapcount[p], now.mapping[p], now.pte[p]); \
      mlocked += (now.flags[p] & MLOCKED) != 0; \
      if ((now.flags[p] & (LRU | UNEVICTABLE | MLOCKED)) == (LRU | UNEVICTABLE)) printf(" stranded"); \
    } \
    printf(" lists="); \
    for (c = 0; c <= LISTS; c++) printf("%d,", now.list[c]); \
    printf(" pagevecs="); \
    for (c = 0; c < CPUS * 4; c++) printf("%d,", now.pagevec[c]); \
    printf(" nr_mlock=%d%s\n", now.nr_mlock, now.nr_mlock == mlocked ? "" : " counter_drift"); \
  }
