#!/usr/bin/env python3
"""Makes made/names/LANGUAGE.txt, the data of rnn.dl: for each language 40 common surnames, and 60 put together from a beginning and
an ending that are common there, accents left out. The seed is fixed: running it again writes the same files."""
import pathlib
import random

# Language: common surnames; beginnings; endings.
NAMES = {
    "English": (
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall "
        "Wood Jackson Clarke Hill Cooper Turner Baker Edwards Carter Parker Morris Shaw Bennett Cook Mitchell Young Price Foster "
        "Palmer Hughes Fisher Knight Webb",
        "Ash Black Brad Hart Stan Whit Wood Kings Hamp Craw Thorn Lang Win Wal Shel Lock Bur Red",
        "ton ford ley well worth field wood son by ham bridge more"),
    "Finnish": (
        "Korhonen Virtanen Makinen Nieminen Makela Hamalainen Laine Heikkinen Koskinen Jarvinen Lehtonen Lehtinen Saarinen "
        "Salminen Heinonen Niemi Heikkila Kinnunen Salonen Turunen Salo Laitinen Tuominen Rantanen Karjalainen Jokinen Mattila "
        "Savolainen Lahtinen Ahonen Ojala Leppanen Kallio Vaisanen Hiltunen Leinonen Miettinen Pitkanen Aaltonen Manninen",
        "Virta Maki Niemi Korho Lehto Salo Koski Haka Kallio Heiska Laakso Ranta Hama Kari Pelto Rauta",
        "nen la kangas lainen niemi saari vaara jarvi ranta aho"),
    "French": (
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garnier Bertrand Roux "
        "Vincent Fournier Morel Girard Andre Lefevre Mercier Blanc Guerin Boyer Chevalier Francois Legrand Gauthier Perrin Robin "
        "Clement Morin Nicolas Henry Roussel Mathieu Gautier",
        "Beau Du Le Mont Bois Char Dela Bon Mar Val Cham Fon Riv Gau Per Cou",
        "champ mont court rieux bert nard tier chet pont taine rand quet lier"),
    "German": (
        "Mueller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schaefer Koch Bauer Richter Klein Wolf "
        "Schroeder Neumann Schwarz Zimmermann Braun Krueger Hartmann Lange Werner Krause Lehmann Koehler Maier Walter Koenig Huber "
        "Kaiser Fuchs Peters Scholz Moeller Weiss Jung Hahn",
        "Stein Berg Hof Kauf Zimmer Acker Eber Rosen Linden Wag Kreuz Hart Schnei Gruen Buch Schwarz",
        "mann bauer ner meier hardt berg bach mueller hofer feld wald der"),
    "Greek": (
        "Papadopoulos Papadakis Pappas Nikolaidis Georgiou Dimitriou Vlahos Makris Karagiannis Vasileiou Ioannidis Oikonomou "
        "Antoniou Angelopoulos Christodoulou Athanasiou Konstantinou Panagopoulos Alexiou Samaras Galanis Lambros Stavros Kostas "
        "Theodorou Michailidis Petridis Markou Mitropoulos Katsaros Sideris Zervas Xenakis Kazantzakis Anagnostou Theodorakis "
        "Venizelos Kanaris Metaxas Raptis",
        "Papa Kara Theo Niko Dimitr Georg Konstant Alex Anton Stav Chris Pan Mich Vas Styl",
        "dakis poulos akis idis iadis ou akos ellis oglou antis adopoulos"),
    "Irish": (
        "Murphy Kelly Sullivan Walsh Byrne Ryan Doyle Kennedy Lynch Murray Quinn Moore Nolan Connolly Daly Doherty Kavanagh "
        "Gallagher Healy Brennan Collins Burke Duffy Flynn Hennessy Hogan Keane Maguire McCarthy McGrath McLoughlin O'Brien "
        "O'Connor O'Neill O'Reilly O'Shea Power Regan Sheehan Tierney",
        "O' Mac Mc Fitz",
        "Brien Connor Neill Carthy Donald Kenzie Gregor Leod Grath Reilly Gerald Patrick Hara Keefe Dowell Farlane Malley Dermott "
        "Laughlin Mahon Cormack Callaghan Nally Guinness Donnell Rourke Dwyer Leary Shea"),
    "Italian": (
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo "
        "Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli "
        "Vitale Lombardo Serra Coppola Marchetti Parisi Villa Bellini",
        "Ross Bianch Ferr Mart Cost Gall Mar Bell Cont Mor Ric Bar Sant Vald Pell Lomb",
        "i ini etti ella one ucci ardi egrini oni ero atti acci"),
    "Japanese": (
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi Saito "
        "Matsumoto Inoue Kimura Hayashi Shimizu Yamazaki Mori Abe Ikeda Hashimoto Ishikawa Yamashita Ogawa Ishii Hasegawa Goto "
        "Okada Kondo Maeda Fujita Endo Aoki Sakamoto Murakami Ota",
        "Yama Kawa Naka Ta Matsu Ishi Mori Hashi Fuji Ko Taka Saka Waka Miya Kita Oka Yoshi Naga Ara",
        "moto da mura shima guchi ta no kawa saki yama hara zawa naka"),
    "Polish": (
        "Nowak Kowalski Wisniewski Wojcik Kowalczyk Kaminski Lewandowski Zielinski Szymanski Wozniak Dabrowski Kozlowski "
        "Jankowski Mazur Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Zajac Pawlowski Michalski Krol Wieczorek Jablonski "
        "Wrobel Nowakowski Majewski Olszewski Stepien Malinowski Jaworski Adamczyk Dudek Nowicki Pawlak Gorski Witkowski Walczak "
        "Sikora",
        "Kowal Wisniew Lewan Kamin Zielin Szyman Woj Dabrow Koz Jan Maz Krawcz Nowak Piotr Gral",
        "ski czyk owski iak ewicz ak ska cki ek owicz inska"),
    "Russian": (
        "Ivanov Smirnov Kuznetsov Popov Vasiliev Petrov Sokolov Mikhailov Novikov Fedorov Morozov Volkov Alekseev Lebedev Semenov "
        "Egorov Pavlov Kozlov Stepanov Nikolaev Orlov Andreev Makarov Nikitin Zakharov Zaitsev Soloviev Borisov Yakovlev Grigoriev "
        "Romanov Vorobiev Sergeev Kuzmin Frolov Chekhov Tolstoy Gagarin Pushkin Turgenev",
        "Ivan Petr Smirn Kuzn Vol Moroz Sokol Lebed Kozl Pavl Step Nik Orl Andre Makar Zakhar Bel",
        "ov ova ev enko sky in ovich kov itsyn yev evsky ikov"),
    "Spanish": (
        "Garcia Rodriguez Gonzalez Fernandez Lopez Martinez Sanchez Perez Gomez Jimenez Ruiz Hernandez Diaz Moreno Alvarez Romero "
        "Navarro Torres Dominguez Vazquez Ramos Gil Ramirez Serrano Molina Suarez Ortega Delgado Castro Ortiz Rubio Marin Iglesias "
        "Medina Cortes Castillo Guerrero Cano Prieto Mendez",
        "Gonz Rodr Fern Mart Ram Dom Gut Alv Sanch Jim Hern Velas Nav Mor Ort",
        "alez iguez andez inez irez errez arez ero ado ano eda iega"),
}

folder = pathlib.Path(__file__).resolve().parent / "made/names"
folder.mkdir(parents=True, exist_ok=True)
for language, (common, beginnings, endings) in NAMES.items():
    joined = [beginning + ending for beginning in beginnings.split() for ending in endings.split()]
    names = set(common.split())
    names |= set(random.Random(1).sample(sorted(set(joined) - names), 60))
    (folder / f"{language}.txt").write_text("\n".join(sorted(names)) + "\n")
