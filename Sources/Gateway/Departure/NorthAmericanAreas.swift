// In which time zone an area code of +1 lies. Phones move and keep their numbers: this is the best a number can say.

enum NorthAmericanAreas {
  /// - Returns: nil for a code that two zones share, that has no place (toll-free), or that is not known here.
  static func zone(of area: Substring) -> String? { zones[area] }

  private static let zones: [Substring: String] = {
    var zones: [Substring: String] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ")
      for code in words.dropFirst() { zones[code] = String(words[0]) }
    }
    return zones
  }()

  private static let table = """
    America/New_York 201 202 203 207 212 215 216 220 223 227 229 231 234 239 240 248 252 267 272 276 283 301 302 304 305
    America/New_York 313 315 321 324 326 329 330 332 336 339 347 351 352 363 380 386 401 404 407 410 412 413 419 434 436
    America/New_York 440 443 445 448 470 472 475 478 484 508 513 516 517 518 540 551 561 567 570 571 582 585 586 603 607
    America/New_York 609 610 614 616 617 624 631 640 645 646 656 667 678 680 681 689 703 704 706 716 717 718 724 727 728
    America/New_York 732 734 740 743 754 757 762 770 772 774 781 786 802 803 804 810 813 814 821 826 828 835 838 839 843
    America/New_York 845 854 856 857 860 861 862 863 864 878 904 908 910 912 914 917 919 929 934 937 941 943 947 948 954
    America/New_York 959 973 978 980 984 989
    America/Detroit 679
    America/Toronto 226 249 263 289 343 354 365 367 382 416 418 437 438 450 468 514 519 548 579 581 613 647 705 742 753
    America/Toronto 819 873 905 942
    America/Chicago 205 210 214 217 218 224 225 228 251 254 256 262 281 309 312 314 316 318 319 320 325 331 334 337 346
    America/Chicago 353 361 402 405 409 414 417 430 432 447 464 469 479 501 504 507 512 515 531 534 539 557 563 572 573
    America/Chicago 580 601 608 612 615 618 621 629 630 636 641 651 659 660 662 682 708 712 713 715 726 730 731 737 763
    America/Chicago 769 773 779 806 815 816 817 830 832 847 861 870 872 901 903 913 918 920 936 938 940 945 952 956 972
    America/Chicago 975 979 985
    America/Winnipeg 204 431 584
    America/Regina 306 474 639
    America/Denver 303 307 385 406 435 505 575 719 720 801 915 970 983
    America/Edmonton 368 403 587 780 825
    America/Phoenix 480 520 602 623
    America/Los_Angeles 206 209 213 253 279 310 323 341 350 360 408 415 424 425 442 503 509 510 530 559 562 564 619 626
    America/Los_Angeles 628 650 657 661 669 702 707 714 725 747 760 805 818 820 831 840 858 909 916 925 949 951
    America/Vancouver 604 672 778
    America/Anchorage 907
    Pacific/Honolulu 808
    America/Halifax 782 902
    America/Moncton 428 506
    America/St_Johns 709 879
    America/Puerto_Rico 787 939
    America/St_Thomas 340
    America/Nassau 242
    America/Barbados 246
    America/Jamaica 658 876
    America/Santo_Domingo 809 829 849
    America/Port_of_Spain 868
    Atlantic/Bermuda 441
    Pacific/Guam 671
    """
}
